using System.Net;
using System.Text;
using Plotly.NET;

namespace ClipNotebooks.Plots;

/// <summary>
/// The similarity matrix as an interactive heat map: images along the top, captions down the side. Plain arrays and strings go in, text comes out, so that this assembly and
/// Plotly.NET can be loaded apart from their caller.
/// </summary>
public static class SimilarityPlot
{
    private const int Cell = 78;
    private static readonly Lazy<string> Library = new(() =>
    {
        using var stream = typeof(GenericChart).Assembly.GetManifestResourceStream("Plotly.NET.plotly-2.28.0.min.js")
            ?? throw new InvalidOperationException("Plotly.NET no longer carries plotly-2.28.0.min.js; name the resource of the version in use.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    });

    /// <summary>plotly.js, the whole library: 3.6 MB of text.</summary>
    public static string PlotlyJavaScript => Library.Value;

    /// <summary>The figure as JSON: data and layout, for <c>Plotly.newPlot</c>.</summary>
    /// <param name="values">One row a caption, one column an image.</param>
    /// <param name="images">A <c>data:</c> address of each image, at most about 100 pixels wide.</param>
    /// <param name="imageNames">A name of each image, for the hover text.</param>
    /// <param name="captions">The captions, top to bottom.</param>
    /// <param name="title">What is shown.</param>
    /// <param name="unit">What the values are, such as "cosine similarity".</param>
    /// <exception cref="ArgumentException">The numbers of rows, columns, captions and images differ.</exception>
    public static string Figure(double[][] values, string[] images, string[] imageNames, string[] captions, string title, string unit)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(imageNames);
        ArgumentNullException.ThrowIfNull(captions);
        if (values.Length == 0 || values.Length != captions.Length || images.Length != imageNames.Length || values.Any(row => row.Length != images.Length))
            throw new ArgumentException($"{captions.Length} captions and {images.Length} images need {captions.Length} rows of {images.Length} values; there are {values.Length} rows.");

        // plotly.js reads a few tags in its text: captions are escaped, so that "<b>" stays what somebody wrote.
        string[] rows = [.. captions.Select(Wrap)];
        var trace = new Trace("heatmap");
        trace.SetProperty("z", values);
        trace.SetProperty("x", Enumerable.Range(0, images.Length).ToArray());
        trace.SetProperty("y", Enumerable.Range(0, rows.Length).ToArray());
        trace.SetProperty("colorscale", "Viridis");
        trace.SetProperty("text", values.Select((row, r) => row.Select((v, c) =>
            $"{WebUtility.HtmlEncode(captions[r])}<br>{WebUtility.HtmlEncode(imageNames[c])}<br><b>{v:0.000}</b>").ToArray()).ToArray());
        trace.SetProperty("hoverinfo", "text");
        trace.SetProperty("texttemplate", "%{z:.2f}");
        trace.SetProperty("xgap", 2);
        trace.SetProperty("ygap", 2);
        trace.SetProperty("colorbar", new Dictionary<string, object> { ["title"] = new Dictionary<string, object> { ["text"] = WebUtility.HtmlEncode(unit), ["side"] = "right" }, ["thickness"] = 12 });

        var layout = new Layout();
        layout.SetProperty("title", new Dictionary<string, object> { ["text"] = WebUtility.HtmlEncode(title), ["x"] = 0.02, ["y"] = 0.98, ["yanchor"] = "top" });
        layout.SetProperty("width", 300 + Cell * images.Length);
        layout.SetProperty("height", 160 + 52 * rows.Length);
        layout.SetProperty("margin", new Dictionary<string, object> { ["l"] = 190, ["r"] = 20, ["t"] = 140, ["b"] = 20 });
        layout.SetProperty("paper_bgcolor", "rgba(0,0,0,0)");
        layout.SetProperty("plot_bgcolor", "rgba(0,0,0,0)");
        layout.SetProperty("xaxis", new Dictionary<string, object> { ["visible"] = false, ["fixedrange"] = true, ["range"] = new[] { -0.5, images.Length - 0.5 } });
        layout.SetProperty("yaxis", new Dictionary<string, object>
        {
            ["tickvals"] = Enumerable.Range(0, rows.Length).ToArray(),
            ["ticktext"] = rows,
            ["range"] = new[] { rows.Length - 0.5, -0.5 },
            ["fixedrange"] = true,
            ["showgrid"] = false,
            ["zeroline"] = false,
        });
        layout.SetProperty("images", images.Select((source, i) => new Dictionary<string, object>
        {
            ["source"] = source,
            ["xref"] = "x",
            ["yref"] = "paper",
            ["x"] = i,
            ["y"] = 1.01,
            ["sizex"] = 0.9,
            ["sizey"] = 70.0 / (52 * rows.Length),
            ["xanchor"] = "center",
            ["yanchor"] = "bottom",
        }).ToArray());
        layout.SetProperty("shapes", Enumerable.Range(0, Math.Min(images.Length, rows.Length)).Select(i => new Dictionary<string, object>
        {
            ["type"] = "rect",
            ["x0"] = i - 0.48,
            ["x1"] = i + 0.48,
            ["y0"] = i - 0.46,
            ["y1"] = i + 0.46,
            ["line"] = new Dictionary<string, object> { ["color"] = "#e4572e", ["width"] = 2 },
        }).ToArray());
        return GenericChart.toFigureJson(GenericChart.setLayout(layout, GenericChart.ofTraceObject(false, trace)));
    }

    /// <summary>A whole page that needs nothing from outside: plotly.js stands in it.</summary>
    /// <param name="figure">What <see cref="Figure"/> made.</param>
    /// <param name="title">The page's title.</param>
    /// <param name="description">The plot in words, for a screen reader.</param>
    public static string Page(string figure, string title, string description)
    {
        ArgumentNullException.ThrowIfNull(figure);
        return $$"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>{{WebUtility.HtmlEncode(title)}}</title>
            <style>
            body { margin: 0; font: 16px system-ui, sans-serif; background: Canvas; color: CanvasText; }
            #plot { overflow-x: auto; padding: 8px; }
            </style>
            <script>{{PlotlyJavaScript.Replace("</script", "<\\/script", StringComparison.OrdinalIgnoreCase)}}</script>
            </head>
            <body>
            <div id="plot" role="img" aria-label="{{WebUtility.HtmlEncode(description)}}"></div>
            <script>
            const figure = {{figure.Replace("<", "\\u003c", StringComparison.Ordinal)}};
            const dark = matchMedia('(prefers-color-scheme: dark)');
            function draw() {
              figure.layout.font = { color: dark.matches ? '#e8e8e8' : '#222222', size: 13 };
              figure.layout.template = null;
              Plotly.react('plot', figure.data, figure.layout, { displaylogo: false, responsive: false });
            }
            dark.addEventListener('change', draw);
            draw();
            </script>
            </body>
            </html>
            """;
    }

    /// <summary>Breaks a long caption into lines of about 24 characters, three at most.</summary>
    private static string Wrap(string caption)
    {
        var lines = new List<string> { "" };
        foreach (string word in caption.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (lines[^1].Length > 0 && lines[^1].Length + 1 + word.Length > 24) lines.Add("");
            lines[^1] += (lines[^1].Length > 0 ? " " : "") + word;
        }
        if (lines.Count > 3)
        {
            lines = lines[..3];
            lines[2] += " …";
        }
        return string.Join("<br>", lines.Select(line => WebUtility.HtmlEncode(line.Length > 30 ? line[..29] + "…" : line))) + " ";
    }
}
