using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Plotting;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// How well each image fits each caption: a heat map with the images down the side and the captions along the top, as in figure 1 of the
/// paper. Where there are as many images as captions, the diagonal is framed.
/// </summary>
public sealed class SimilarityMatrix : MatrixView
{
    private readonly IReadOnlyList<RasterImage> _images;
    private readonly string _unit;

    /// <summary>Copies the values; the tensor stays the caller's.</summary>
    /// <param name="logitsPerImage">(N, M): rows are images, columns captions.</param>
    /// <param name="images">N images.</param>
    /// <param name="captions">M captions.</param>
    /// <param name="title">What is shown.</param>
    /// <exception cref="ArgumentException">
    /// The matrix does not have a row for each image and a column for each caption, or it is empty.
    /// </exception>
    public SimilarityMatrix(Tensor logitsPerImage, IReadOnlyList<RasterImage> images, IReadOnlyList<string> captions, string title)
        : this(logitsPerImage, images, [.. (images ?? throw new ArgumentNullException(nameof(images)))
            .Select((_, i) => Lesson.In($"image {i + 1}", $"이미지 {i + 1}"))], captions, title, "")
    {
    }

    /// <summary>Copies the values; the tensor stays the caller's.</summary>
    /// <param name="perImage">(N, M): rows are images, columns captions.</param>
    /// <param name="images">N images.</param>
    /// <param name="names">N names of the images, for hover texts.</param>
    /// <param name="captions">M captions.</param>
    /// <param name="title">What is shown.</param>
    /// <param name="unit">What the values are, such as "cosine similarity"; empty for similarity of any kind.</param>
    /// <exception cref="ArgumentException">
    /// The matrix does not have a row for each image and its name and a column for each caption, or it is empty.
    /// </exception>
    public SimilarityMatrix(
        Tensor perImage, IReadOnlyList<RasterImage> images, IReadOnlyList<string> names, IReadOnlyList<string> captions, string title,
        string unit)
        : base(perImage, names, captions, title)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(unit);
        if (images.Count != names.Count) throw new ArgumentException(
            $"\"{title}\" has {images.Count} images and {names.Count} names for them.", nameof(images));
        (_images, _unit) = ([.. images], unit);
    }

    /// <inheritdoc/>
    public override string Description
    {
        get
        {
            var best = Rows.Select((row, i) => $"{row}: \"{Columns[Enumerable.Range(0, Columns.Count).MaxBy(j => Values[i][j])]}\"");
            string low = Markup.Number(Cells.Min()), high = Markup.Number(Cells.Max());
            string unit = _unit.Length > 0 ? _unit : Lesson.In("Similarity", "유사도");
            return Lesson.In(
                $"{Title} {unit} of {Rows.Count} images and {Columns.Count} captions, from {low} to {high}. "
                + $"The best caption of each image: {string.Join("; ", best)}.",
                $"{Title} 이미지 {Rows.Count}개와 캡션 {Columns.Count}개의 {unit}, {low}부터 {high}까지. "
                + $"이미지마다 가장 어울리는 캡션: {string.Join("; ", best)}.");
        }
    }

    private protected override ColorScale Colors => ColorScale.Sequential(Cells);

    private protected override string Quantity => _unit;

    private protected override IReadOnlyList<RasterImage> Images => _images;

    private protected override bool FramesDiagonal => Rows.Count == Columns.Count && Rows.Count > 1;
}
