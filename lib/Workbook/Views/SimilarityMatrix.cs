using ClipNotebooks.Clip.Images;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>How well each image fits each caption: a heat map with the images down the side and the captions along the top.</summary>
[TypeFormatterSource(typeof(ViewFormatterSource))]
public sealed class SimilarityMatrix : MatrixView
{
    private readonly IReadOnlyList<RgbImage> _images;

    /// <summary>Copies the values; the tensor stays the caller's.</summary>
    /// <param name="logitsPerImage">(N, M): rows are images, columns captions.</param>
    /// <param name="images">N images.</param>
    /// <param name="captions">M captions.</param>
    /// <param name="title">What is shown.</param>
    /// <exception cref="ArgumentException">The numbers of images and captions are not those of the matrix.</exception>
    public SimilarityMatrix(Tensor logitsPerImage, IReadOnlyList<RgbImage> images, IReadOnlyList<string> captions, string title)
        : base(logitsPerImage, [.. (images ?? throw new ArgumentNullException(nameof(images))).Select((_, i) => $"image {i + 1}")], captions, title) => _images = images;

    private protected override string RowHead(int row) => Markup.Image(_images[row], Rows[row], 56);
}
