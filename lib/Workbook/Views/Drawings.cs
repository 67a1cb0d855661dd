using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// Turns the drawings in a view's markup into images. JupyterLab sanitizes the outputs of a notebook that its reader did not run, GitHub
/// those of every notebook: inline SVG is lost, and an image stays.
/// </summary>
public static partial class Drawings
{
    /// <summary>The markup with each inline SVG replaced by an image of it.</summary>
    public static string AsImages(string html) => Drawing().Replace(html, found => Image(found.Value));

    private static string Image(string svg)
    {
        Match box = ViewBox().Match(svg);
        string alt = Label().Match(svg) is { Success: true } label ? label.Groups[1].Value : "";
        // Outside the page, a drawing needs its own namespace, and a background for its ink.
        string alone = svg.Contains("xmlns=", StringComparison.Ordinal) ? svg
            : "<svg xmlns=\"http://www.w3.org/2000/svg\"" + svg["<svg".Length..];
        string size = box.Success ? $" width=\"{box.Groups["w"].Value}\" height=\"{box.Groups["h"].Value}\"" : "";
        string data = Convert.ToBase64String(Encoding.UTF8.GetBytes(WithoutNames(alone)));
        return $"<img alt=\"{alt}\"{size} style=\"background:#fff;border-radius:6px;max-width:100%;height:auto\" "
            + $"src=\"data:image/svg+xml;base64,{data}\">";
    }

    /// <summary>Replaces the character names that HTML knows and XML does not: XML knows five, HTML hundreds.</summary>
    private static string WithoutNames(string svg) => EntityName().Replace(svg, found =>
        found.Groups[1].Value is "amp" or "lt" or "gt" or "quot" or "apos" ? found.Value
        : WebUtility.HtmlDecode(found.Value) is var decoded && decoded != found.Value ? decoded : "");

    [GeneratedRegex(@"<svg\b.*?</svg>", RegexOptions.Singleline)]
    private static partial Regex Drawing();

    [GeneratedRegex("viewBox=\"0 0 (?<w>[\\d.]+) (?<h>[\\d.]+)\"")]
    private static partial Regex ViewBox();

    [GeneratedRegex("aria-label=\"([^\"]*)\"")]
    private static partial Regex Label();

    [GeneratedRegex("&([A-Za-z][A-Za-z0-9]*);")]
    private static partial Regex EntityName();
}
