using System.Globalization;
using System.Net;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Plotting;

namespace ClipNotebooks.Workbook.Views;

/// <summary>The pieces that the views' markup is made of.</summary>
internal static class Markup
{
    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    public static string Number(double value) =>
        value.ToString(Math.Abs(value) switch { >= 100 => "F0", >= 10 => "F1", >= 0.1 or 0 => "F2", _ => "F3" },
        CultureInfo.InvariantCulture);

    public static string Percent(double share) => share.ToString("P0", CultureInfo.InvariantCulture);

    /// <summary>A number for an attribute of SVG.</summary>
    public static string At(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    public static string Image(RasterImage image, string description, int side) =>
        $"<img src=\"{Pictures.Shown(image, 2 * side)}\" alt=\"{Escape(description)}\" width=\"{side}\" height=\"{side}\" "
        + "style=\"object-fit:cover;max-width:none;border-radius:4px;margin:0\">";

    /// <summary>A matrix as a table, its cells coloured by their values.</summary>
    /// <param name="heads">Markup at the left of each row.</param>
    /// <param name="columns">Plain names.</param>
    /// <param name="values">(rows, columns).</param>
    /// <param name="number">How a value is written.</param>
    public static string HeatTable(
        IReadOnlyList<string> heads, IReadOnlyList<string> columns, IReadOnlyList<double[]> values, Func<double, string> number)
    {
        var colors = ColorScale.Of(values.SelectMany(row => row));
        const string Plain = "border:0;font-weight:400", Centred = "text-align:center;vertical-align:middle";
        string Head(string column) =>
            $"<th scope=\"col\" style=\"{Plain};{Centred};font-size:0.8em;padding:2px 4px\">{Escape(column)}</th>";
        string Cell(double value) => $"<td style=\"border:0;{Centred};padding:6px 8px;{colors.Style(value)}\">{number(value)}</td>";
        var rows = values.Select((row, i) =>
            $"<tr><th scope=\"row\" style=\"{Plain};padding:2px 6px 2px 0\">{heads[i]}</th>{string.Concat(row.Select(Cell))}</tr>");
        return Scrolling("<table style=\"border-collapse:separate;border-spacing:2px;width:auto;margin:0\"><tr><td style=\"border:0\"></td>"
            + string.Concat(columns.Select(Head)) + "</tr>" + string.Concat(rows) + "</table>");
    }

    /// <summary>Lines of cells as a table, the first line its heads.</summary>
    /// <param name="lines">Plain text.</param>
    /// <param name="rightFrom">The first column of numbers; those before it hold text.</param>
    public static string Table(IReadOnlyList<string[]> lines, int rightFrom)
    {
        string Style(int column) => $"text-align:{(column < rightFrom ? "left" : "right")};white-space:nowrap;" +
            "font-variant-numeric:tabular-nums";
        string Head(string cell, int column) => $"<th scope=\"col\" style=\"{Style(column)}\">{Escape(cell)}</th>";
        string Cell(string cell, int column) => $"<td style=\"{Style(column)}\">{Escape(cell)}</td>";
        return "<table style=\"width:auto;margin:0\">" + string.Concat(lines.Select((line, i) =>
            $"<tr>{string.Concat(line.Select((cell, column) => i == 0 ? Head(cell, column) : Cell(cell, column)))}</tr>")) + "</table>";
    }

    /// <summary>The same in plain text, its columns two spaces apart.</summary>
    public static string Columns(IReadOnlyList<string[]> lines, int rightFrom)
    {
        int[] widths = [.. lines[0].Select((_, column) => lines.Max(line => line[column].Length))];
        return string.Join(Environment.NewLine, lines.Select(line => string.Join("  ", line.Select((cell, column) =>
            column < rightFrom ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column])))));
    }

    /// <summary>A page of its own, in the lesson's language.</summary>
    /// <param name="title">Plain text.</param>
    /// <param name="style">Rules besides those of every page, each with its line break.</param>
    /// <param name="script">A script element, or nothing.</param>
    /// <param name="body">Markup.</param>
    public static string Page(string title, string style, string script, string body) => $$"""
        <!DOCTYPE html>
        <html lang="{{Lesson.Language}}">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>{{Escape(title)}}</title>
        <style>
        :root { color-scheme: light dark; }
        body { margin: 1.5rem; background: #fff; color: #1d2329; }
        body { font: 16px/1.5 Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
        @media (prefers-color-scheme: dark) { body { background: #14181d; color: #e3e8ed; } }
        {{style}}</style>
        {{script}}
        </head>
        <body>
        {{body}}
        </body>
        </html>

        """;

    /// <summary>Content that scrolls by itself, without the page's prose, if it is wider than its column.</summary>
    public static string Scrolling(string content) =>
        $"<div class=\"clip-scroll\" style=\"overflow-x:auto;margin:0.5em 0\">{content}</div>";
}
