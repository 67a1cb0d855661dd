using System.Diagnostics.CodeAnalysis;

namespace ClipNotebooks.Workbook.Views;

/// <summary>The formatters of every view, by the names that notebook engines look for.</summary>
public sealed class ViewFormatterSource
{
    /// <summary>One formatter for HTML and one for plain text.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "Engines call it on an instance.")]
    public IEnumerable<object> CreateTypeFormatters() =>
        [new ViewFormatter("text/html", view => view.ToHtml()), new ViewFormatter("text/plain", view => view.ToText())];
}
