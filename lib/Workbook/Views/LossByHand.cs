using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// The contrastive loss, to be explored by hand: the reader drags cosines and the temperature, and sees both softmaxes, the loss and its
/// gradient; and what happens if the scale is passed as a temperature by mistake.
/// </summary>
public sealed class LossByHand : Interactive
{
    private readonly double[][] _cosines, _rows, _columns, _gradient;
    private readonly string[] _images, _captions;
    private readonly double _temperature, _toText, _toImage;

    /// <summary>Copies the values; the tensor stays the caller's.</summary>
    /// <param name="logits">(B, B): rows are images, columns captions; as they are at <paramref name="temperature"/>.</param>
    /// <param name="images">B names.</param>
    /// <param name="captions">B names.</param>
    /// <param name="temperature">τ, from 0.01 to 10: the cosines are τ times the logits.</param>
    /// <exception cref="ArgumentException">The logits are not (B, B) with as many names, or a cosine is not between −1 and 1.</exception>
    public LossByHand(Tensor logits, IReadOnlyList<string> images, IReadOnlyList<string> captions, double temperature = 0.07)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(captions);
        if (temperature is not (>= 0.01 and <= 10)) throw new ArgumentException(
            $"The temperature is {temperature}; the slider goes from 0.01 to 10.", nameof(temperature));
        if (logits.dim() != 2 || logits.shape[0] < 2 || logits.shape[0] != logits.shape[1] || images.Count != logits.shape[0]
            || captions.Count != logits.shape[0])
            throw new ArgumentException(
                $"The logits are ({string.Join(", ", logits.shape)}) with {images.Count} images and {captions.Count} captions; (B, B) "
                + $"with B of each is needed, two or more.", nameof(logits));
        using var scope = NewDisposeScope();
        var z = logits.detach().cpu().to(float64);                                          // (B, B)
        if (z.abs().max().ToDouble() * temperature > 1) throw new ArgumentException(
            $"A logit of {z.abs().max().ToDouble()} is no cosine between −1 and 1 at the temperature {temperature}.", nameof(logits));
        var (rows, columns) = (z.softmax(1), z.softmax(0));                                 // (B, B) each
        var gradient = (rows + columns - 2 * eye(z.shape[0], dtype: float64)) / (2 * z.shape[0]);   // (B, B)
        (_images, _captions, _temperature) = ([.. images], [.. captions], temperature);
        (_cosines, _rows, _columns, _gradient) = (Values(z * temperature), Values(rows), Values(columns), Values(gradient));
        (_toText, _toImage) = (-rows.diagonal().log().mean().ToDouble(), -columns.diagonal().log().mean().ToDouble());
    }

    private protected override string Script => "contrastive-loss";

    private protected override object Content => new { Cosines = _cosines, Images = _images, Captions = _captions,
        Temperature = _temperature };

    /// <inheritdoc/>
    public override string ToText() =>
        string.Join(Environment.NewLine, Parts().Select(part => $"{part.Title}{Environment.NewLine}{Table(part.Values)}").Prepend(Loss));

    private protected override string Still() =>
        $"<p>{Markup.Escape(Loss)}</p>" + string.Concat(Parts().Select(part =>
            $"<p style=\"margin:0\">{Markup.Escape(part.Title)}</p>"
                + Markup.HeatTable([.. _images.Select(Markup.Escape)], _captions, part.Values, Number)));

    private string Loss
    {
        get
        {
            string[] numbers = [.. new[] { (_toText + _toImage) / 2, _toText, _toImage,
                Math.Log(_images.Length) }.Select(number => number.ToString("F4", CultureInfo.InvariantCulture))];
            string at = _temperature.ToString("0.###", CultureInfo.InvariantCulture);
            return Lesson.In($"At temperature {at} the loss is {numbers[0]}: image to text {numbers[1]}, text to image {numbers[2]}; "
                + $"knowing nothing costs {numbers[3]}.",
                $"온도 {at}에서 손실은 {numbers[0]}입니다. "
                + $"이미지 → 텍스트 {numbers[1]}, 텍스트 → 이미지 {numbers[2]}. "
                + $"아무것도 모르면 {numbers[3]}입니다.");
        }
    }

    private (string Title, double[][] Values)[] Parts() =>
    [
        (Lesson.In("Cosines", "코사인"), _cosines),
        (Lesson.In("Softmax of each row", "행마다 소프트맥스"), _rows),
        (Lesson.In("Softmax of each column", "열마다 소프트맥스"), _columns),
        (Lesson.In("Gradient of the loss by each logit", "로짓마다 손실의 그래디언트"), _gradient),
    ];

    private string Table(double[][] values) =>
        string.Join(Environment.NewLine,
        values.Select((row, i) => $"{_images[i],-6}" + string.Concat(row.Select(v => Number(v).PadLeft(8))))
        .Prepend(new string(' ', 6) + string.Concat(_captions.Select(caption => caption.PadLeft(8)))));

    private static string Number(double value) => value.ToString("F3", CultureInfo.InvariantCulture);

    private static double[][] Values(Tensor matrix) => [.. matrix.contiguous().data<double>().ToArray().Chunk((int)matrix.shape[1])];
}
