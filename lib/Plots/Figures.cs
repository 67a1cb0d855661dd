using System.Globalization;

namespace ClipNotebooks.Plots;

/// <summary>
/// Plots as JSON for plotly.js: {"data": […], "layout": {…}}. Only arrays and strings come in, so that a caller needs none of Plotly.NET's
/// types. Titles belong to the page around a plot (<see cref="PlotPage"/>), where they wrap and are read aloud.
/// </summary>
internal static class Figures
{
    private const int Thumbnail = 52, NarrowCell = 25, NarrowLabel = 24;
    private static readonly string[] Colors = ["#3b82c4", "#d1495b", "#3a9d6e", "#a06cc8", "#d08a2b", "#3aa6a6", "#8a8f98", "#c463a0"];
    private static readonly string[] Dashes = ["solid", "dash", "dot", "dashdot"];

    /// <summary>A matrix as coloured cells, with the values written in them while there are at most 16 columns.</summary>
    /// <param name="values">Rows of equal length; cells that are not finite stay empty.</param>
    /// <param name="rows">A name for each row, shown at its side (where there is no thumbnail) and under the pointer.</param>
    /// <param name="columns">A name for each column, shown above it and under the pointer.</param>
    /// <param name="thumbnails">A picture for each row as data URI, shown at its side; empty for none.</param>
    /// <param name="quantity">What the values are, for the text under the pointer.</param>
    /// <param name="colors">
    /// The colours from <paramref name="low"/> to <paramref name="high"/>, evenly spaced, as CSS writes them; two at least.
    /// </param>
    /// <param name="inks">The colour of the text in each cell, as CSS writes it; in the shape of the values.</param>
    /// <param name="low">The value of the first colour.</param>
    /// <param name="high">The value of the last colour.</param>
    /// <param name="diagonal">Whether to frame the cells of the main diagonal.</param>
    /// <returns>JSON for plotly.js.</returns>
    public static string HeatMap(double[][] values, string[] rows, string[] columns, string[] thumbnails, string quantity, string[] colors,
        string[][] inks, double low, double high, bool diagonal)
    {
        bool written = columns.Length <= 16;
        int width = columns.Length <= 10 ? 82 : written ? 58 : columns.Length <= 40 ? 24 : 12, lines = columns.Length <= 10 ? 6 : 1;
        int height = thumbnails.Length > 0 ? Thumbnail + 6 : written ? 40 : width, rowLines = written ? 2 : 1;
        int left = thumbnails.Length > 0 ? Thumbnail + 14
            : 20 + (int)(6.6 * rows.Max(row => Figure.Lines(row, 24, rowLines).Select(line => line.Length).DefaultIfEmpty().Max()));
        int columnLength = columns.Max(column => Math.Min(28, column.Length)),
            headLines = columns.Max(column => Figure.Lines(column, 12, lines).Count);
        int top = lines > 1 ? 14 + (14 * headLines) : 16 + (int)(5.0 * columnLength),
            right = lines > 1 ? 12 : 12 + (int)(5.0 * columnLength);
        if (!written) right = Math.Max(right, 80);

        int decimals = Math.Max(Math.Abs(low), Math.Abs(high)) switch { >= 100 => 0, >= 10 => 1, >= 0.1 => 2, _ => 3 };
        var trace = new Dictionary<string, object?>
        {
            ["z"] = values.Select(Figure.Finite).ToArray(),
            ["customdata"] = values.Select((row, i) => row.Select((_, j) => new[] { Figure.Escape(rows[i]), Figure.Escape(columns[j]) })
                .ToArray()).ToArray(),
            ["hovertemplate"] = $"%{{customdata[0]}}<br>%{{customdata[1]}}<br><b>{Figure.Escape(quantity)} " +
                $"%{{z:.{decimals}f}}</b><extra></extra>",
            ["colorscale"] = colors.Select((color, i) => new object[] { (double)i / (colors.Length - 1), color }).ToArray(),
            ["zmin"] = low,
            ["zmax"] = high,
            ["xgap"] = written ? 3 : 0,
            ["ygap"] = written ? 3 : 0,
            ["showscale"] = !written,
            ["colorbar"] = new { thickness = 12, outlinewidth = 0 },
        };
        // The text is a trace of its own: a heat map's own text has one colour for all cells, or a gray that is faint on yellow.
        // Adding 0 turns the −0 that a small negative number is rounded to into 0.
        var text = new Dictionary<string, object?>
        {
            ["mode"] = "text",
            ["x"] = values.SelectMany(row => Enumerable.Range(0, row.Length)).ToArray(),
            ["y"] = values.SelectMany((row, i) => Enumerable.Repeat(i, row.Length)).ToArray(),
            ["text"] = values.SelectMany(row => row).Select(
                value => double.IsFinite(value) ? (Math.Round(value, decimals) + 0.0).ToString("F" + decimals, CultureInfo.InvariantCulture)
                .Replace('-', '−') : "").ToArray(),
            ["textfont"] = new { color = inks.SelectMany(row => row).ToArray(), size = 13 },
            ["hoverinfo"] = "skip",
            ["showlegend"] = false,
        };
        var layout = new Dictionary<string, object?>
        {
            ["width"] = left + (width * columns.Length) + right,
            ["height"] = top + (height * rows.Length) + 10,
            ["margin"] = new { l = left, r = right, t = top, b = 10 },
            ["xaxis"] = Axis(columns, label => lines > 1 ? Figure.Wrap(label, 12, lines) : Figure.Wrap(label, 28, 1), lines > 1 ? 0 : -45,
                top: true),
            ["yaxis"] = Axis(rows, label => thumbnails.Length > 0 ? "" : Figure.Wrap(label, 24, rowLines), 0, top: false),
            ["images"] = thumbnails.Select((source, i) => new
            {
                source,
                xref = "paper",
                yref = "y",
                x = -7.0 / (width * columns.Length),
                y = i,
                sizex = (double)Thumbnail / (width * columns.Length),
                sizey = (double)Thumbnail / height,
                xanchor = "right",
                yanchor = "middle",
                sizing = "contain",
                layer = "above",
            }).ToArray(),
            ["shapes"] = Enumerable.Range(0, diagonal ? Math.Min(rows.Length, columns.Length) : 0).Select(i => new
            {
                type = "rect",
                x0 = i - 0.5 + (2.0 / width),
                x1 = i + 0.5 - (2.0 / width),
                y0 = i - 0.5 + (2.0 / height),
                y1 = i + 0.5 - (2.0 / height),
                line = new { width = 2 },
            }).ToArray(),
        };
        if (lines > 1) layout["meta"] = new { narrow = Narrow(columns) };
        return Figure.ToJson(written ? [Figure.Trace("heatmap", trace), Figure.Trace("scatter", text)] : [Figure.Trace("heatmap", trace)],
            layout);

        // What plot.js uses if the page has no room for wide cells: vertical names over cells that just hold a value.
        static object Narrow(string[] columns)
        {
            int longest = columns.Max(column => Math.Min(NarrowLabel, column.Length));
            return new { labels = columns.Select(column => Figure.Wrap(column, NarrowLabel, 1)).ToArray(), angle = longest <= 4 ? 0 : -90,
                top = longest <= 4 ? 28 : 16 + (int)(6.6 * longest), cell = NarrowCell };
        }

        static object Axis(string[] names, Func<string, string> label, int angle, bool top) => new
        {
            tickmode = "array",
            tickvals = Enumerable.Range(0, names.Length).ToArray(),
            ticktext = names.Select(label).ToArray(),
            tickangle = angle,
            range = top ? new[] { -0.5, names.Length - 0.5 } : [names.Length - 0.5, -0.5],
            side = top ? "top" : "left",
            showgrid = false,
            zeroline = false,
            showline = false,
            ticks = "",
            tickfont = new { size = 11 },
        };
    }

    /// <summary>Curves over one horizontal axis.</summary>
    /// <param name="xLabel">The horizontal axis's title.</param>
    /// <param name="yLabel">The vertical axis's title.</param>
    /// <param name="names">A name for each curve.</param>
    /// <param name="x">The points' x coordinates, an array for each curve.</param>
    /// <param name="y">The points' y coordinates, as many; a value that is not finite leaves a gap.</param>
    /// <param name="logarithmic">Whether the horizontal axis is logarithmic; x is then above 0.</param>
    /// <param name="ticks">Where the horizontal axis has marks; empty to leave it to plotly.js.</param>
    /// <param name="tickTexts">The labels of the marks, as many.</param>
    /// <returns>JSON for plotly.js.</returns>
    public static string Curves(string xLabel, string yLabel, string[] names, double[][] x, double[][] y, bool logarithmic, double[] ticks,
        string[] tickTexts)
    {
        var xAxis = new Dictionary<string, object?> { ["title"] = new { text = Figure.Escape(xLabel) },
            ["type"] = logarithmic ? "log" : "linear", ["zeroline"] = false };
        if (ticks.Length > 0) (xAxis["tickvals"], xAxis["ticktext"]) = (ticks, tickTexts);
        var traces = names.Select((name, i) => Figure.Trace("scatter", new Dictionary<string, object?>
        {
            ["name"] = Figure.Escape(name),
            ["x"] = x[i],
            ["y"] = Figure.Finite(y[i]),
            ["mode"] = x[i].Length == 1 ? "markers" : "lines",
            // Curves that coincide stay visible: the first is broad, and those drawn above it are dashed.
            ["line"] = new
            {
                width = i == 0 && names.Length > 1 ? 4 : 2, color = Colors[i % Colors.Length], dash = Dashes[i % Dashes.Length],
            },
            ["hovertemplate"] = "%{x:.4~g}: <b>%{y:.4~g}</b>",
        }));
        return Figure.ToJson(traces, new Dictionary<string, object?>
        {
            ["height"] = 320,
            ["margin"] = new { l = 56, r = 16, t = names.Length > 1 ? 34 : 12, b = 48 },
            ["hovermode"] = "x unified",
            ["showlegend"] = names.Length > 1,
            ["legend"] = new { orientation = "h", x = 0, y = 1.02, xanchor = "left", yanchor = "bottom" },
            ["xaxis"] = xAxis,
            ["yaxis"] = new { title = new { text = Figure.Escape(yLabel), standoff = 10 }, automargin = true, zeroline = false,
                rangemode = "tozero" },
        });
    }

    /// <summary>Horizontal bars, the first name at the top.</summary>
    /// <param name="label">What the values are.</param>
    /// <param name="names">A name for each bar.</param>
    /// <param name="values">As many values.</param>
    /// <param name="percent">Whether the values are shares of 1 that are written as per cent.</param>
    /// <returns>JSON for plotly.js.</returns>
    public static string Bars(string label, string[] names, double[] values, bool percent)
    {
        double longest = values.Where(double.IsFinite).DefaultIfEmpty().Max();
        var trace = Figure.Trace("bar", new Dictionary<string, object?>
        {
            ["orientation"] = "h",
            ["x"] = Figure.Finite(values),
            ["y"] = Enumerable.Range(0, names.Length).ToArray(),
            ["customdata"] = names.Select(Figure.Escape).ToArray(),
            ["marker"] = new { color = Colors[0] },
            ["texttemplate"] = percent ? "%{x:.1%}" : "%{x:.3~g}",
            ["textposition"] = "outside",
            ["cliponaxis"] = false,
            ["hovertemplate"] = $"%{{customdata}}<br><b>{Figure.Escape(label)} %{{x{(percent ? ":.2%" : ":.4~g")}}}</b><extra></extra>",
        });
        return Figure.ToJson([trace], new Dictionary<string, object?>
        {
            ["height"] = 12 + (28 * names.Length),
            ["margin"] = new { l = 16 + names.Select(Width).DefaultIfEmpty().Max(), r = 52, t = 4, b = 8 },
            ["bargap"] = 0.25,
            ["xaxis"] = new { range = new[] { Math.Min(0, values.Where(double.IsFinite).DefaultIfEmpty().Min()),
                longest > 0 ? longest : 1 }, showticklabels = false, showgrid = false },
            ["yaxis"] = new
            {
                tickmode = "array",
                tickvals = Enumerable.Range(0, names.Length).ToArray(),
                ticktext = names.Select(name => Figure.Wrap(name, 24, 1)).ToArray(),
                range = new[] { names.Length - 0.5, -0.5 },
                showgrid = false,
                zeroline = false,
            },
        });
    }

    /// <summary>Pixels of a name beside its bar, at most 24 characters; Korean, Chinese and Japanese letters count as two.</summary>
    private static int Width(string name) => (int)(6.6 * name.Take(24).Sum(letter => letter < '\u1100' ? 1 : 2));
}
