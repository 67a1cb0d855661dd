namespace ClipNotebooks.Workbook.Views;

/// <summary>Several views side by side, as many in a row as the page has room for; they are shown and updated as one view.</summary>
/// <param name="views">At least one.</param>
[TypeFormatterSource(typeof(ViewFormatterSource))]
public sealed class Panels(params IReadOnlyList<IView> views) : IView
{
    /// <inheritdoc/>
    public string ToHtml() => "<div style=\"display:flex;flex-wrap:wrap;gap:16px\">" +
        string.Concat(views.Select(view => $"<div style=\"flex:1 1 320px;min-width:0\">{view.ToHtml()}</div>")) + "</div>";

    /// <inheritdoc/>
    public string ToText() => string.Join(Environment.NewLine, views.Select(view => view.ToText()));

    /// <inheritdoc/>
    public override string ToString() => ToText();
}
