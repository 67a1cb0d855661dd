using System.Diagnostics.CodeAnalysis;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>What a cell can call without a `using`, as in the notebook editors.</summary>
[SuppressMessage("Performance", "CA1822", Justification = "Globals of a script are instance members.")]
[SuppressMessage("Style", "IDE1006", Justification = "The editors' names.")]
public sealed class LessonGlobals
{
    private readonly LessonOutput _output;

    internal LessonGlobals(LessonOutput output) => _output = output;

    /// <summary>Shows a value.</summary>
    /// <param name="value">What to show.</param>
    /// <param name="mimeTypes">Accepted for the editors' sake; a page takes HTML where there is one.</param>
    /// <returns>A handle that updates what is shown.</returns>
    public DisplayedValue display(object? value, params string[] mimeTypes) => new(_output, _output.Show(value));

    /// <summary>Markup to show as it is.</summary>
    /// <param name="markup">HTML.</param>
    public HtmlContent HTML(string markup) => new(markup);
}
