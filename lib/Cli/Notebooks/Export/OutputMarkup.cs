using System.Text.RegularExpressions;
using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Cli.Notebooks.Export;

/// <summary>
/// A view's markup for a saved notebook. JupyterLab cleans the outputs of a notebook that its reader did not run, GitHub those of every
/// notebook: scripts and inline SVG are lost, and of two forms of one output both take the HTML. So a plot becomes its still form, and
/// drawings become images; run the cell and the plot is live again.
/// </summary>
internal static partial class OutputMarkup
{
    internal static string Still(string html) => Drawings.AsImages(PlotScript().Replace(PlotData().Replace(html, "<figure"), "</figure>"));

    [GeneratedRegex("<figure class=\"clip-plot\" data-plot=\"[^\"]*\"")]
    private static partial Regex PlotData();

    [GeneratedRegex(@"</figure>\s*<script>.*?</script>", RegexOptions.Singleline)]
    private static partial Regex PlotScript();
}
