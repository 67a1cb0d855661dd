using System.Globalization;
using System.Text;
using ClipNotebooks.Workbook.Plotting;

namespace ClipNotebooks.Workbook.Views;

/// <summary>Curves over a common horizontal axis.</summary>
public sealed class CurveView : View
{
    private const double Left = 52, Right = 624, Top = 34, Bottom = 272;
    private static readonly string[] Colors = ["#3b82c4", "#d1495b", "#3a9d6e", "#a06cc8"], Dashes = ["none", "8 5", "2 4", "9 4 2 4"];

    private readonly string _title, _xLabel, _yLabel;
    private readonly IReadOnlyList<(string Name, double[] X, double[] Y)> _curves;
    private readonly bool _logarithmic;

    /// <summary>Curves with finite values.</summary>
    /// <param name="title">What is shown.</param>
    /// <param name="xLabel">The horizontal axis.</param>
    /// <param name="yLabel">The vertical axis.</param>
    /// <param name="curves">Each with as many x as y, at least two.</param>
    /// <param name="logarithmic">Whether the horizontal axis is logarithmic; every x is then above 0.</param>
    /// <exception cref="ArgumentException">
    /// A curve has fewer than two points, or not as many x as y, or an x not above 0 on a logarithmic axis.
    /// </exception>
    public CurveView(string title, string xLabel, string yLabel, IReadOnlyList<(string Name, double[] X, double[] Y)> curves,
        bool logarithmic = false)
    {
        ArgumentNullException.ThrowIfNull(curves);
        foreach (var (name, x, y) in curves)
        {
            if (x.Length < 2 || x.Length != y.Length) throw new ArgumentException(
                $"The curve \"{name}\" has {x.Length} x and {y.Length} y; it needs as many of both, at least two.", nameof(curves));
            if (logarithmic && x.Min() <= 0) throw new ArgumentException(
                $"The curve \"{name}\" has the x {x.Min()} on a logarithmic axis.", nameof(curves));
        }
        (_title, _xLabel, _yLabel, _curves, _logarithmic) = (title, xLabel, yLabel, curves, logarithmic);
    }

    /// <inheritdoc/>
    public override string ToHtml()
    {
        // By itself plotly.js labels a logarithmic axis with bare digits between the powers of ten, and 1e-6 as 1µ.
        double[] ticks = _logarithmic ? [.. Decades(_curves.Min(c => c.X.Min()), _curves.Max(c => c.X.Max()))] : [];
        return Plotly.Fragment(
            Plotly.Curves(_xLabel, _yLabel, [.. _curves.Select(c => c.Name)], [.. _curves.Select(c => c.X)], [.. _curves.Select(c => c.Y)],
                _logarithmic, ticks, [.. ticks.Select(Text)]),
            _title, Description, Still());
    }

    private string Still()
    {
        double x0 = _curves.Min(c => c.X.Min()), x1 = _curves.Max(c => c.X.Max());
        double y0 = Math.Min(0, _curves.Min(c => c.Y.Min())), y1 = Math.Max(y0 + 1e-9, _curves.Max(c => c.Y.Max()));
        double Scale(double v) => _logarithmic ? Math.Log(v) : v;
        double Across(double v) => Left + ((Right - Left) * (Scale(v) - Scale(x0)) / (Scale(x1) - Scale(x0)));
        double Up(double v) => Bottom - ((Bottom - Top) * (v - y0) / (y1 - y0));

        var svg = new StringBuilder($"<svg viewBox=\"0 0 640 320\" role=\"img\" aria-label=\"{Markup.Escape(Description)}\" " +
            $"style=\"width:100%;max-width:640px;height:auto;font:12px sans-serif\" fill=\"currentColor\">");
        foreach (double tick in Ticks(y0, y1))
            svg.Append($"<line x1=\"{Left}\" x2=\"{Right}\" y1=\"{Markup.At(Up(tick))}\" y2=\"{Markup.At(Up(tick))}\" " +
                $"stroke=\"currentColor\" stroke-opacity=\"0.15\"/><text x=\"{Left - 6}\" y=\"{Markup.At(Up(tick) + 4)}\" " +
                $"text-anchor=\"end\">{Text(tick)}</text>");
        foreach (double tick in _logarithmic ? Decades(x0, x1) : Ticks(x0, x1))
            svg.Append($"<text x=\"{Markup.At(Across(tick))}\" y=\"{Bottom + 18}\" text-anchor=\"middle\">{Text(tick)}</text>");
        svg.Append($"<text x=\"{(Left + Right) / 2}\" y=\"{Bottom + 40}\" text-anchor=\"middle\">{Markup.Escape(_xLabel)}</text><text " +
            $"transform=\"translate(12 {(Top + Bottom) / 2}) rotate(-90)\" text-anchor=\"middle\">{Markup.Escape(_yLabel)}</text>");
        for (int k = 0; k < _curves.Count; k++)
        {
            var (name, x, y) = _curves[k];
            string points = string.Join(' ', x.Zip(y, (a, b) => $"{Markup.At(Across(a))},{Markup.At(Up(b))}"));
            svg.Append($"<polyline points=\"{points}\" fill=\"none\" stroke=\"{Colors[k % Colors.Length]}\" "
                + $"stroke-width=\"{(k == 0 && _curves.Count > 1 ? 4 : 2)}\" stroke-dasharray=\"{Dashes[k % Dashes.Length]}\"/>");
            if (_curves.Count > 1) svg.Append($"<text x=\"{Right - 4}\" y=\"{Top + 14 + (16 * k)}\" text-anchor=\"end\" " +
                $"fill=\"{Colors[k % Colors.Length]}\">{Markup.Escape(name)}</text>");
        }
        return svg.Append("</svg>").ToString();
    }

    /// <inheritdoc/>
    public override string ToText() => Description + string.Concat(_curves.Select(c => $"{Environment.NewLine}{c.Name,-12} {Spark(c.Y)}"));

    private string Description => Lesson.In($"{_title}: {_yLabel} over {_xLabel}; ", $"{_title}: {_xLabel}에 따른 {_yLabel}. ")
        + string.Join("; ", _curves.Select(Course));

    private static string Course((string Name, double[] X, double[] Y) curve)
    {
        string[] n = [.. new[] { curve.Y[0], curve.X[0], curve.Y[^1], curve.X[^1], curve.Y.Min(), curve.Y.Max() }.Select(Markup.Number)];
        return Lesson.In($"{curve.Name} from {n[0]} at {n[1]} to {n[2]} at {n[3]}, between {n[4]} and {n[5]}",
            $"{curve.Name}: {n[1]}에서 {n[0]}, {n[3]}에서 {n[2]}, 가장 작은 값 {n[4]}, 가장 큰 값 {n[5]}");
    }

    private static string Spark(double[] values)
    {
        double low = values.Min(), span = Math.Max(1e-12, values.Max() - low);
        int count = Math.Min(60, values.Length);
        return string.Concat(Enumerable.Range(0, count)
            .Select(i => "▁▂▃▄▅▆▇█"[(int)Math.Min(7, 8 * (values[i * (values.Length - 1) / Math.Max(1, count - 1)] - low) / span)]));
    }

    private static IEnumerable<double> Ticks(double low, double high)
    {
        double rough = (high - low) / 5, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * (rough / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 };
        for (long k = (long)Math.Ceiling((low / step) - 1e-9); k * step <= high + (1e-9 * step); k++) yield return k * step;
    }

    /// <summary>
    /// Ticks at 1, 2 and 5 of each decade; over more than three decades only at powers of ten, over more than eight only at some of these.
    /// </summary>
    private static IEnumerable<double> Decades(double low, double high)
    {
        double decades = Math.Log10(high / low);
        int stride = Math.Max(1, (int)Math.Ceiling(decades / 8));
        for (int power = stride * (int)Math.Floor(Math.Log10(low) / stride); Math.Pow(10, power) <= high * 1.0001; power += stride)
            foreach (int digit in decades > 3 ? [1] : new[] { 1, 2, 5 })
                if (digit * Math.Pow(10, power) is var tick && tick >= low * 0.9999 && tick <= high * 1.0001) yield return tick;
    }

    private static string Text(double tick)
    {
        int power = tick == 0 ? 0 : (int)Math.Floor(Math.Log10(Math.Abs(tick)) + 1e-9);
        if (power is >= -4 and < 5) return tick.ToString("0.####", CultureInfo.InvariantCulture).Replace('-', '−');
        double digit = Math.Round(tick / Math.Pow(10, power));
        string superscript = string.Concat(power.ToString(CultureInfo.InvariantCulture)
            .Select(c => c == '-' ? '⁻' : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c - '0']));
        return (digit == 1 ? "10" : $"{digit.ToString(CultureInfo.InvariantCulture).Replace('-', '−')}·10") + superscript;
    }
}
