using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Cli.Notebooks.Export;

/// <summary>
/// A view's markup for a saved notebook. JupyterLab cleans the outputs of a notebook that its reader did not run, GitHub those of every notebook: scripts and inline SVG are lost, and of two forms
/// of one output both take the HTML. So a plot becomes its still form, and drawings become images; run the cell and the plot is live again.
/// </summary>
internal static partial class OutputMarkup
{
    internal static string Still(string html) =>
        Drawing().Replace(PlotScript().Replace(PlotData().Replace(html, "<figure"), "</figure>"), found => Image(found.Value));

    private static string Image(string svg)
    {
        Match box = ViewBox().Match(svg);
        string alt = Label().Match(svg) is { Success: true } label ? label.Groups[1].Value : "";
        // By itself a drawing knows no page: it needs its namespace, and ink on a ground of its own.
        string alone = svg.Contains("xmlns=", StringComparison.Ordinal) ? svg : "<svg xmlns=\"http://www.w3.org/2000/svg\"" + svg["<svg".Length..];
        string size = box.Success ? string.Create(CultureInfo.InvariantCulture, $" width=\"{box.Groups["w"].Value}\" height=\"{box.Groups["h"].Value}\"") : "";
        return $"<img alt=\"{alt}\"{size} style=\"background:#fff;border-radius:6px;max-width:100%;height:auto\" src=\"data:image/svg+xml;base64,{Convert.ToBase64String(Encoding.UTF8.GetBytes(WithoutNames(alone)))}\">";
    }

    /// <summary>XML knows five names of characters, HTML hundreds.</summary>
    private static string WithoutNames(string svg) => EntityName().Replace(svg, found => found.Groups[1].Value is "amp" or "lt" or "gt" or "quot" or "apos" ? found.Value
        : WebUtility.HtmlDecode(found.Value) is var decoded && decoded != found.Value ? decoded : "");

    [GeneratedRegex("<figure class=\"clip-plot\" data-plot=\"[^\"]*\"")]
    private static partial Regex PlotData();

    [GeneratedRegex(@"</figure>\s*<script>.*?</script>", RegexOptions.Singleline)]
    private static partial Regex PlotScript();

    [GeneratedRegex(@"<svg\b.*?</svg>", RegexOptions.Singleline)]
    private static partial Regex Drawing();

    [GeneratedRegex("viewBox=\"0 0 (?<w>[\\d.]+) (?<h>[\\d.]+)\"")]
    private static partial Regex ViewBox();

    [GeneratedRegex("aria-label=\"([^\"]*)\"")]
    private static partial Regex Label();

    [GeneratedRegex("&([A-Za-z][A-Za-z0-9]*);")]
    private static partial Regex EntityName();
}
