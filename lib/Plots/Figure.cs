using Plotly.NET;

namespace ClipNotebooks.Plots;

/// <summary>
/// Turns traces and a layout into plotly.js's JSON. Names and values are those of its reference: https://plotly.com/javascript/reference/.
/// </summary>
internal static class Figure
{
    /// <summary>
    /// The JSON {"data": […], "layout": {…}}. The page's script adds the colours of ink and grid, which depend on the page's theme.
    /// </summary>
    public static string ToJson(IEnumerable<Trace> traces, IReadOnlyDictionary<string, object?> layout)
    {
        var target = new Layout();
        foreach (var (name, value) in layout)
            target.SetProperty(name, value);
        var chart = GenericChart.ofTraceObjects(false, Microsoft.FSharp.Collections.ListModule.OfSeq(traces));
        return GenericChart.toFigureJson(GenericChart.setLayout(target, chart));
    }

    public static Trace Trace(string type, IReadOnlyDictionary<string, object?> properties)
    {
        var trace = new Trace(type);
        foreach (var (name, value) in properties)
            trace.SetProperty(name, value);
        return trace;
    }

    /// <summary>Replaces NaN and infinity, which JSON does not have, by null, where plotly.js leaves a gap.</summary>
    public static double?[] Finite(double[] values) => [.. values.Select(value => double.IsFinite(value) ? value : (double?)null)];

    /// <summary>Escapes text from outside for a label, since plotly.js reads a few HTML tags in labels.</summary>
    public static string Escape(string text) => System.Net.WebUtility.HtmlEncode(text);

    /// <summary>
    /// Escapes text from outside for a label, and breaks it at spaces into at most <paramref name="lines"/> lines of at most
    /// <paramref name="width"/> characters; longer text ends in "…".
    /// </summary>
    public static string Wrap(string text, int width, int lines) => string.Join("<br>", Lines(text, width, lines).Select(Escape));

    internal static IReadOnlyList<string> Lines(string text, int width, int lines)
    {
        List<string> result = [];
        foreach (string word in text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            string rest = word;
            if (result.Count > 0 && result[^1].Length + 1 + rest.Length <= width)
            {
                result[^1] += " " + rest;
                continue;
            }
            for (; rest.Length > width; rest = rest[width..]) result.Add(rest[..width]);
            result.Add(rest);
        }
        if (result.Count <= lines) return result;
        string last = result[lines - 1];
        return [.. result.Take(lines - 1), (last.Length < width ? last : last[..(width - 1)]) + "…"];
    }
}
