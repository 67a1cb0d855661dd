using System.Globalization;
using System.Net;
using ClipNotebooks.Clip.Images;
using ClipNotebooks.Workbook.Plotting;

namespace ClipNotebooks.Workbook.Views;

/// <summary>The pieces that the views' markup is made of.</summary>
internal static class Markup
{
    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    public static string Number(double value) => value.ToString(Math.Abs(value) switch { >= 100 => "F0", >= 10 => "F1", >= 0.1 or 0 => "F2", _ => "F3" }, CultureInfo.InvariantCulture);

    /// <summary>A number for an attribute of SVG.</summary>
    public static string At(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    public static string Image(RasterImage image, string description, int side) =>
        $"<img src=\"{Pictures.DataUri(image, 2 * side)}\" alt=\"{Escape(description)}\" width=\"{side}\" height=\"{side}\" style=\"object-fit:cover;max-width:none;border-radius:4px;margin:0\">";

    /// <summary>Content wider than its column scrolls by itself, not with the page's prose.</summary>
    public static string Scrolling(string content) => $"<div style=\"overflow-x:auto;margin:0.5em 0\">{content}</div>";
}
