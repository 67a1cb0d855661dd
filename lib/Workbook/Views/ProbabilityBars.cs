using ClipNotebooks.Workbook.Plotting;

namespace ClipNotebooks.Workbook.Views;

/// <summary>Probabilities as bars, the most probable first.</summary>
public sealed class ProbabilityBars : View
{
    private const int TextWidth = 40;

    private readonly string _title;
    private readonly (string Name, double Probability)[] _bars;

    /// <summary>Sorts the probabilities.</summary>
    /// <param name="probabilities">Each with its name, as a classifier returns them; at least one.</param>
    /// <param name="title">What is shown.</param>
    /// <exception cref="ArgumentException">There is no probability, or one is not from 0 to 1.</exception>
    public ProbabilityBars(IEnumerable<(string Name, double Probability)> probabilities, string title)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        _bars = [.. probabilities.OrderByDescending(bar => bar.Probability)];
        _title = title;
        if (_bars.Length == 0) throw new ArgumentException($"\"{title}\" has no probability to show.", nameof(probabilities));
        // A softmax in float32 may pass 1 by some units in the last place.
        foreach (var (name, probability) in _bars)
            if (!(probability is >= -1e-5 and <= 1 + 1e-5)) throw new ArgumentException(
                $"\"{title}\": the probability of \"{name}\" is {probability}; it must be from 0 to 1.", nameof(probabilities));
    }

    /// <inheritdoc/>
    public override string ToHtml() => Plotly.Fragment(
        Plotly.Bars(Lesson.In("probability", "확률"), [.. _bars.Select(b => b.Name)], [.. _bars.Select(b => b.Probability)], percent: true),
        _title, Description,
        "<table style=\"width:auto;margin:0\">" + string.Concat(_bars.Select(bar =>
            $"<tr><th scope=\"row\" style=\"text-align:right;font-weight:400\">{Markup.Escape(bar.Name)}</th><td " +
                $"style=\"text-align:left\"><span " +
                $"style=\"display:inline-block;height:0.9em;margin-right:0.5em;" +
                    $"width:{Markup.At(10 * Math.Clamp(bar.Probability, 0, 1))}em;" +
                    $"background:#3b82c4\"></span>{Percent(bar.Probability)}</td></tr>")) + "</table>");

    /// <inheritdoc/>
    public override string ToText()
    {
        int width = _bars.Max(bar => bar.Name.Length);
        return string.Join(Environment.NewLine, _bars.Select(
            bar => $"{bar.Name.PadRight(width)} {Percent(bar.Probability),7} " +
                $"{new string('█', (int)Math.Round(TextWidth * Math.Clamp(bar.Probability, 0, 1)))}".TrimEnd()).Prepend(_title));
    }

    private string Description => $"{_title}: " + string.Join(", ", _bars.Select(bar => $"{bar.Name} {Percent(bar.Probability)}"));

    private static string Percent(double probability) => FormattableString.Invariant($"{100 * probability:F1} %");
}
