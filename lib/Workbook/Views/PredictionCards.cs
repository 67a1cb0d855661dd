using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// Images, each beside a classifier's classes for it as bars, the most probable first: the true class is blue, a wrong answer red, the
/// others gray.
/// </summary>
public sealed class PredictionCards : View
{
    private const int TextWidth = 20;

    private readonly (RasterImage Image, string Caption, string Truth, (string Name, double Probability)[] Bars)[] _cards;
    private readonly bool _multiLabel;

    /// <summary>Sorts the classes of each image.</summary>
    /// <param name="images">N images.</param>
    /// <param name="captions">N sentences about them.</param>
    /// <param name="truths">
    /// N names of the true classes; a name that no class has, such as "none of them", makes every answer a wrong one.
    /// </param>
    /// <param name="classes">For each image its classes with their probabilities, as a classifier returns them; at least one.</param>
    /// <param name="most">How many classes of each image are shown.</param>
    /// <param name="multiLabel">
    /// False: an image's answer is its most probable class. True: every class with a probability of one half or more is.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The lists differ in length or are empty, an image has no class, or a probability is not from 0 to 1.
    /// </exception>
    public PredictionCards(
        IReadOnlyList<RasterImage> images, IReadOnlyList<string> captions, IReadOnlyList<string> truths,
        IEnumerable<IEnumerable<(string Name, double Probability)>> classes, int most = 5,
        bool multiLabel = false)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(captions);
        ArgumentNullException.ThrowIfNull(truths);
        ArgumentNullException.ThrowIfNull(classes);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        var bars = classes.Select(all => all.OrderByDescending(bar => bar.Probability).Take(most).ToArray()).ToArray();
        if (images.Count == 0 || images.Count != captions.Count || images.Count != truths.Count || images.Count != bars.Length)
            throw new ArgumentException($"There are {images.Count} images, {captions.Count} captions, {truths.Count} true classes and " +
                $"{bars.Length} lists of classes; as many of each are needed, at least one.", nameof(images));
        for (int i = 0; i < bars.Length; i++)
        {
            if (bars[i].Length == 0) throw new ArgumentException($"\"{captions[i]}\" has no class to show.", nameof(classes));
            // A softmax in float32 may pass 1 by some units in the last place.
            foreach (var (name, probability) in bars[i])
                if (!(probability is >= -1e-5 and <= 1 + 1e-5)) throw new ArgumentException(
                    $"\"{captions[i]}\": the probability of \"{name}\" is {probability}; it must be from 0 to 1.", nameof(classes));
        }
        _multiLabel = multiLabel;
        _cards = [.. images.Select((image, i) => (image, captions[i], truths[i], bars[i]))];
    }

    /// <inheritdoc/>
    public override string ToHtml() => "<div style=\"display:flex;flex-wrap:wrap;gap:1rem 1.5rem;margin:0.5em 0\">" +
        string.Concat(_cards.Select(card =>
        $"<figure style=\"margin:0;display:flex;gap:0.8rem;align-items:flex-start;flex:1 1 " +
            $"21rem;max-width:27rem;min-width:0\">{Markup.Image(card.Image, card.Caption, 120)}"
        + $"<figcaption style=\"flex:1;min-width:0;font-size:0.85em;line-height:1.35\"><div " +
            $"style=\"margin-bottom:0.3em\">{Markup.Escape(card.Caption)}</div>"
        + string.Concat(card.Bars.Select((bar, rank) =>
            Bar(bar.Name, bar.Probability, bar.Name == card.Truth, IsAnswer(bar.Probability, rank)))) + "</figcaption></figure>")) +
            "</div>";

    /// <inheritdoc/>
    public override string ToText() => string.Join(Environment.NewLine, _cards.SelectMany(card =>
    {
        int width = card.Bars.Max(bar => bar.Name.Length);
        return card.Bars.Select((bar, rank) =>
            $"  {Mark(bar.Name == card.Truth, IsAnswer(bar.Probability, rank))} {bar.Name.PadRight(width)} {Percent(bar.Probability),7} " +
                $"{new string('█', (int)Math.Round(TextWidth * Math.Clamp(bar.Probability, 0, 1)))}".TrimEnd()).Prepend(card.Caption);
    }));

    private static string Bar(string name, double probability, bool isTrue, bool isAnswer) =>
        $"<div style=\"margin-top:2px\"><span style=\"display:flex;justify-content:space-between;gap:0.5em\"><span " +
            $"style=\"overflow-wrap:anywhere{(isTrue ? ";font-weight:600" : "")}\">{Mark(isTrue, isAnswer)} {Markup.Escape(name)}</span>"
        + $"<span style=\"white-space:nowrap;font-variant-numeric:tabular-nums\">{Percent(probability)}</span></span>"
        + $"<span style=\"display:block;height:5px;border-radius:2px;background:rgba(128,128,128,0.2)\"><span " +
            $"style=\"display:block;height:5px;border-radius:2px;width:{Markup.At(100 * Math.Clamp(probability, 0, 1))}%;" +
            $"background:{(isTrue ? "#3b82c4" : isAnswer ? "#d1584a" : "#8a8f98")}\"></span></span></div>";

    private bool IsAnswer(double probability, int rank) => _multiLabel ? probability >= 0.5 : rank == 0;

    private static string Mark(bool isTrue, bool isAnswer) => isTrue ? "✓" : isAnswer ? "✗" : "·";

    private static string Percent(double probability) => FormattableString.Invariant($"{100 * probability:F1} %");
}
