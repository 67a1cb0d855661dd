namespace ClipNotebooks.Workbook.Views;

/// <summary>Several views side by side, as many in a row as the page has room for; they are shown and updated as one view.</summary>
/// <param name="views">At least one.</param>
public sealed class Panels(params IReadOnlyList<IView> views) : View
{
    /// <inheritdoc/>
    public override string ToHtml() => "<div style=\"display:flex;flex-wrap:wrap;gap:16px\">" +
        string.Concat(views.Select(view => $"<div style=\"flex:1 1 320px;min-width:0\">{view.ToHtml()}</div>")) + "</div>";

    /// <inheritdoc/>
    public override string ToText() => string.Join(Environment.NewLine, views.Select(view => view.ToText()));
}
