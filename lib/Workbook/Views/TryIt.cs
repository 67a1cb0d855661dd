using System.Globalization;
using ClipNotebooks.Workbook.Plotting;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// The reader's own pictures and captions: a picture is drawn, or taken from the samples or a file, captions are typed, and the embedded
/// model computes the similarity matrix in the page. Its still form is the library's matrix of the first samples and captions.
/// </summary>
public sealed class TryIt : Interactive
{
    private readonly (string Name, string Source)[] _samples;
    private readonly int _count;
    private readonly string[] _captions, _heads;
    private readonly double[][] _logits;

    /// <summary>Compares the first samples with the captions.</summary>
    /// <param name="samples">The samples that the reader may choose from, at least as many as are shown first.</param>
    /// <param name="captions">One to six.</param>
    /// <param name="count">How many samples are shown first; at most five.</param>
    /// <exception cref="ArgumentException">
    /// There are fewer samples than are to be shown, or the form has no room for so many, or so few, captions or pictures.
    /// </exception>
    public TryIt(IReadOnlyList<Sample> samples, IReadOnlyList<string> captions, int count = 3)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(captions);
        if (captions.Count is < 1 or > 6 || count is < 1 or > 5 || samples.Count < count)
            throw new ArgumentException(
                $"There are {samples.Count} samples, {count} of them shown, and {captions.Count} captions; one to five are shown, with "
                + $"one to six captions.", nameof(captions));
        using var clip = InteractiveModel.Open();
        using var scope = NewDisposeScope();
        Sample[] shown = [.. samples.Take(count)];
        var logits = clip.LogitsPerImage([.. shown.Select(sample => sample.Image)], captions).cpu().to(float64);     // (N, M)
        _logits = [.. logits.contiguous().data<double>().ToArray().Chunk(captions.Count)];
        (_count, _captions) = (count, [.. captions]);
        _samples = [.. samples.Select(sample => (sample.Captions[^1], Pictures.Exact(sample.Image, 224)))];
        _heads = [.. shown.Select(sample => Markup.Image(sample.Image, sample.Captions[^1], 48))];
    }

    private protected override string Script => "try-it";

    private protected override bool NeedsModel => true;

    private protected override object Content => new { Samples = _samples.Select(sample => new { sample.Name, sample.Source }),
        Captions = _captions, Chosen = Enumerable.Range(0, _count), Logits = _logits };

    /// <inheritdoc/>
    public override string ToText() =>
        string.Join(Environment.NewLine,
        _logits.SelectMany((row, i) => row.Select((z, j) => $"  {Number(z),6}  {_captions[j]}").Prepend(_samples[i].Name)));

    private protected override string Still() => Markup.HeatTable(_heads, _captions, _logits, Number);

    private static string Number(double value) => value.ToString("F1", CultureInfo.InvariantCulture);
}
