using System.Diagnostics.CodeAnalysis;
using ClipNotebooks.Workbook.Plotting;

namespace ClipNotebooks.Workbook.Views;

/// <summary>The formatters of every view, by the names that notebook engines look for.</summary>
public sealed class ViewFormatterSource
{
    private static int _brought;

    /// <summary>One formatter for HTML and one for plain text.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "Engines call it on an instance.")]
    public IEnumerable<object> CreateTypeFormatters() =>
        [new ViewFormatter("text/html", Html), new ViewFormatter("text/plain", view => view.ToText())];

    /// <summary>
    /// An editor's outputs share one page, which has no plotly.js: the first plot brings it. Pages that `clipbook` writes have it beside
    /// them: it says so.
    /// </summary>
    private static string Html(IView view)
    {
        string html = view.ToHtml();
        bool plots = html.Contains("class=\"clip-plot\"", StringComparison.Ordinal);
        bool bring = plots && AppContext.GetData("ClipNotebooks.PlotlyBeside") is null && Interlocked.Exchange(ref _brought, 1) == 0;
        return bring ? $"<script>\n{Plotly.JavaScript}</script>\n{html}" : html;
    }
}
