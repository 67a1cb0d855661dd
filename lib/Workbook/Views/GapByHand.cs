using ClipNotebooks.Clip.Training;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// The modality gap, turned by hand: pictures and captions in three dimensions, of which the first is the line between their means; and how
/// the loss and the retrieval change when the captions are moved along it. Its still form has the numbers.
/// </summary>
public sealed class GapByHand : Interactive
{
    private readonly string[] _captions;
    private readonly string _images, _texts;
    private readonly long _width;
    private readonly double _scale;
    private readonly (string Name, string Value, string Closed)[] _facts;

    /// <summary>Copies the embeddings; the tensors stay the caller's.</summary>
    /// <param name="images">(N, E), rows of length 1.</param>
    /// <param name="texts">(N, E), rows of length 1: each image's caption.</param>
    /// <param name="captions">N sentences.</param>
    /// <param name="scale">What cosines are multiplied by in the loss.</param>
    /// <exception cref="ArgumentException">
    /// The embeddings differ in shape, the captions are not as many, or there are fewer than two.
    /// </exception>
    public GapByHand(Tensor images, Tensor texts, IReadOnlyList<string> captions, double scale)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(captions);
        if (images.dim() != 2 || !images.shape.AsSpan().SequenceEqual(texts.shape) || captions.Count != images.shape[0]
            || captions.Count < 2)
            throw new ArgumentException(
                $"The images are ({string.Join(", ", images.shape)}), the texts ({string.Join(", ", texts.shape)}), with "
                + $"{captions.Count} captions; (N, E) of both with N captions are needed, two or more.", nameof(images));
        using var scope = NewDisposeScope();
        var (image, text) = (images.detach().cpu().to(float32), texts.detach().cpu().to(float32));
        (_captions, _images, _texts, _width, _scale) = ([.. captions], Halves(image), Halves(text), image.shape[1], scale);
        var moved = nn.functional.normalize(text + image.mean([0]) - text.mean([0]), p: 2, dim: 1);    // (N, E)
        _facts = [.. Facts(image, text, scale).Zip(Facts(image, moved, scale), (now, then) => (now.Name, now.Value, then.Value))];
    }

    private static (string Name, string Value)[] Facts(Tensor image, Tensor text, double scale)
    {
        var cosines = image.mm(text.t());                                                   // (N, N)
        double pair = cosines.diagonal().mean().item<float>(), N = image.shape[0],
            other = ((cosines.sum().item<float>() / N) - pair) / (N - 1);
        long found = cosines.argmax(1).eq(arange((long)N)).sum().item<long>();
        return
        [
            (Lesson.In("distance of the means", "두 평균의 거리"),
                Markup.Number((image.mean([0]) - text.mean([0])).norm().item<float>())),
            (Lesson.In("cosine of a pair", "쌍의 코사인"), Markup.Number(pair)),
            (Lesson.In("cosine of different pairs", "서로 다른 쌍의 코사인"), Markup.Number(other)),
            (Lesson.In("contrastive loss", "대조 손실"), Markup.Number(ContrastiveLoss.FromLogits(scale * cosines).item<float>())),
            (Lesson.In("pictures that find their caption", "자기 캡션을 찾은 그림"), Lesson.In($"{found} of {N}", $"{N}개 중 {found}개")),
        ];
    }

    private protected override string Script => "gap";

    private protected override object Content => new { Count = _captions.Length, Width = _width, Images = _images, Texts = _texts,
        Captions = _captions, Scale = _scale };

    private static string Closed => Lesson.In("with the gap closed", "간극을 없앴을 때");

    /// <inheritdoc/>
    public override string ToText() =>
        string.Join(Environment.NewLine, _facts.Select(fact => $"{fact.Name}: {fact.Value}; {Closed}: {fact.Closed}"));

    private protected override string Still() =>
        $"<table style=\"width:auto\"><tr><th></th><th></th><th scope=\"col\">{Markup.Escape(Closed)}</th></tr>"
        + string.Concat(_facts.Select(fact => $"<tr><th scope=\"row\" style=\"text-align:left\">{Markup.Escape(fact.Name)}</th>"
        + $"<td style=\"text-align:right\">{fact.Value}</td><td style=\"text-align:right\">{fact.Closed}</td></tr>")) + "</table>";
}
