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

    private static string Html(IView view) => Html(view, ref _brought);

    /// <summary>
    /// The HTML of a view. `clipbook` says if the pages that it writes have plotly.js beside them. An editor's outputs share one page,
    /// which does not have it: the first plot brings it, so that a notebook that keeps its outputs keeps one copy. Drawings are images
    /// there, so that a viewer without scripts sees the plots' still form.
    /// </summary>
    /// <param name="view">The view.</param>
    /// <param name="brought">0 until a plot has brought plotly.js into the page, then 1.</param>
    internal static string Html(IView view, ref int brought)
    {
        string html = view.ToHtml();
        if (AppContext.GetData("ClipNotebooks.PlotlyBeside") is not null)
            return html;
        bool bring = html.Contains("class=\"clip-plot\"", StringComparison.Ordinal) && Interlocked.Exchange(ref brought, 1) == 0;
        return (bring ? $"<script>\n{Plotly.JavaScript}</script>\n" : "") + Drawings.AsImages(html);
    }
}
