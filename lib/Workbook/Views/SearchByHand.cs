using System.Globalization;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Plotting;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// Pictures that are searched while the reader types, with sentences added and subtracted, or from a picture that the reader points at. It
/// computes with an embedded model, that of the drawn scenes or that of emoji; its still form is the library's answer.
/// </summary>
public sealed class SearchByHand : Interactive
{
    private const int Side = 48, Most = 12;

    private readonly string[] _captions;
    private readonly string _query, _embeddings, _sheet, _still, _model;
    private readonly long _width;
    private readonly int _columns;
    private readonly (int Picture, double Score)[] _found;

    /// <summary>Searches for the first sentence.</summary>
    /// <param name="images">N pictures, two or more.</param>
    /// <param name="captions">N sentences about them.</param>
    /// <param name="query">What is looked for first.</param>
    /// <param name="embeddings">
    /// (N, E), rows of length 1: the pictures' embeddings by <see cref="Lesson.Open"/>'s model, if there are any yet; they stay the
    /// caller's. The pictures are encoded here if this is null, or if the lesson uses another model than the embedded one.
    /// </param>
    /// <param name="emoji">Whether <see cref="Lesson.EmojiModel"/> searches; it must then have made the embeddings.</param>
    /// <exception cref="ArgumentException">
    /// There are not as many of both, or fewer than two; or the embeddings are not (N, E) of the embedded model.
    /// </exception>
    public SearchByHand(IReadOnlyList<RasterImage> images, IReadOnlyList<string> captions, string query, Tensor? embeddings = null,
        bool emoji = false)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(captions);
        if (images.Count != captions.Count
            || images.Count < 2) throw new ArgumentException(
            $"There are {images.Count} pictures and {captions.Count} captions; as many of both are needed, two or more.", nameof(captions));
        _model = emoji ? InteractiveModel.Emoji : InteractiveModel.Scenes;
        using var clip = InteractiveModel.Open(_model);
        using var scope = NewDisposeScope();
        var given = emoji || Lesson.UsesEmbeddedModel ? embeddings : null;
        long[] shape = [images.Count, clip.Model.Config.EmbeddingWidth];
        if (given is not null && !given.shape.AsSpan().SequenceEqual(shape))
            throw new ArgumentException(
                $"The embeddings are ({string.Join(", ", given.shape)}); ({string.Join(", ", shape)}) is needed.", nameof(embeddings));
        var encoded = (given?.detach() ?? clip.EncodeImages(images)).cpu().to(float32);      // (N, E)
        var (scores, at) = encoded.mv(clip.EncodeTexts([query])[0].cpu()).topk(Math.Min(Most, images.Count));
        _found = [.. at.data<long>().ToArray().Zip(scores.data<float>().ToArray(), (picture, score) => ((int)picture, (double)score))];
        (_captions, _query, _embeddings, _width) = ([.. captions], query, Halves(encoded), encoded.shape[1]);
        _columns = Math.Max(2, (int)Math.Ceiling(Math.Sqrt(images.Count)));
        _sheet = Pictures.Sheet(images, Side, _columns);
        _still = new SearchGallery(query, _found.Select(found => (images[found.Picture], captions[found.Picture], found.Score))).ToHtml();
    }

    private protected override string Script => "search";

    private protected override bool NeedsModel => true;

    private protected override string Model => _model;

    private protected override object Content => new
    {
        Count = _captions.Length, Width = _width, Embeddings = _embeddings, Sheet = _sheet, Columns = _columns, Captions = _captions,
            Query = _query, Model = _model, Found = _found.Select(found => new[] { found.Picture, Math.Round(found.Score, 4) }),
    };

    /// <inheritdoc/>
    public override string ToText() =>
        string.Join(Environment.NewLine,
        _found.Select(found => string.Create(CultureInfo.InvariantCulture, $"  {found.Score:F3}  {_captions[found.Picture]}"))
        .Prepend(_query));

    private protected override string Still() => _still;
}
