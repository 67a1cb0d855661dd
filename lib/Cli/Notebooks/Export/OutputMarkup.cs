using System.Text.RegularExpressions;
using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Cli.Notebooks.Export;

/// <summary>
/// Turns a view's markup into what a saved notebook can show. JupyterLab sanitizes the outputs of a notebook that its reader did not run,
/// GitHub those of every notebook: scripts and inline SVG are lost, and if an output has two forms, both show the HTML. So plots and
/// interactives become their still forms, and drawings become images; when the cell is run, they are live again.
/// </summary>
internal static partial class OutputMarkup
{
    internal static string Still(string html) =>
        Drawings.AsImages(Live().Replace(PlotScript().Replace(PlotData().Replace(html, "<figure"), "</figure>"), "<div$1>$2</div>"));

    [GeneratedRegex("<figure class=\"clip-plot\" data-plot=\"[^\"]*\"")]
    private static partial Regex PlotData();

    [GeneratedRegex(@"</figure>\s*<script>.*?</script>", RegexOptions.Singleline)]
    private static partial Regex PlotScript();

    /// <summary>Matches an interactive: its language, its still form, its data, which has no angle bracket, and its scripts.</summary>
    [GeneratedRegex("<div class=\"clip-live\" data-live=\"[^\"]*\"[^>]*?( lang=\"[^\"]*\")>\\s*"
        + "<div class=\"clip-live-still\">(.*?)</div>\\s*<script type=\"application/json\">[^<]*</script>\\s*</div>\\s*"
        + "<script>.*?</script>", RegexOptions.Singleline)]
    private static partial Regex Live();
}
