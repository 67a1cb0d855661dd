namespace ClipNotebooks.Cli.Notebooks;

/// <summary>Markup that a cell shows as it is: what `HTML("…")` returns.</summary>
/// <param name="markup">HTML, not escaped again.</param>
public sealed class HtmlContent(string markup)
{
    /// <summary>The markup.</summary>
    public string ToHtml() => markup;

    /// <summary>The markup, as a terminal shows it.</summary>
    public override string ToString() => markup;
}
