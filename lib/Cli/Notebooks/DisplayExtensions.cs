using ClipNotebooks.Cli.Notebooks;

// The editors bring Display into scope through the namespace System.
namespace System;

/// <summary>`x.Display()`, as in the notebook editors.</summary>
public static class DisplayExtensions
{
    /// <summary>Shows a value in the running cell; outside a lesson it is written to the console.</summary>
    /// <param name="value">What to show.</param>
    /// <param name="mimeTypes">Accepted for the editors' sake.</param>
    /// <returns>A handle that updates what is shown.</returns>
    public static DisplayedValue Display(this object? value, params string[] mimeTypes)
    {
        LessonOutput output = LessonOutput.Current ?? throw new InvalidOperationException("Display() works inside a lesson's cell.");
        return new(output, output.Show(value));
    }
}
