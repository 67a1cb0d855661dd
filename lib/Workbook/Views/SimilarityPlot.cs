using ClipNotebooks.Core.Images;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// A similarity matrix as files: an interactive page (Plotly, offline) and a PNG drawn without a browser. Images stand down the side,
/// captions along the top, as in figure 1 of the paper; where there are as many images as captions the diagonal is framed.
/// </summary>
public sealed class SimilarityPlot
{
    private readonly SimilarityMatrix _view;

    /// <summary>Copies the values; the tensor stays the caller's.</summary>
    /// <param name="perImage">(N, M): rows are images, columns captions.</param>
    /// <param name="images">N images.</param>
    /// <param name="names">N names of the images, for hover texts.</param>
    /// <param name="captions">M captions.</param>
    /// <param name="title">What is shown.</param>
    /// <param name="unit">What the values are.</param>
    /// <exception cref="ArgumentException">
    /// The matrix does not have a row for each image and its name and a column for each caption, or it is empty.
    /// </exception>
    public SimilarityPlot(Tensor perImage, IReadOnlyList<RasterImage> images, IReadOnlyList<string> names, IReadOnlyList<string> captions,
        string title = "Which caption fits which image?", string unit = "cosine similarity") =>
            _view = new(perImage, images, names, captions, title, unit);

    /// <summary>The plot in words, for a screen reader and a terminal.</summary>
    public string Description => _view.Description;

    /// <summary>Writes both files; each is written beside its place, then renamed.</summary>
    /// <param name="images">N images.</param>
    /// <param name="captions">M captions.</param>
    /// <param name="similarity">(N, M): rows are images, columns captions.</param>
    /// <param name="htmlPath">The interactive page.</param>
    /// <param name="pngPath">The picture.</param>
    /// <param name="title">What is shown.</param>
    /// <exception cref="ArgumentException">
    /// The matrix does not have a row for each image and a column for each caption, or it is empty.
    /// </exception>
    public static void Write(
        IReadOnlyList<RasterImage> images, IReadOnlyList<string> captions, Tensor similarity, string htmlPath, string pngPath, string title)
    {
        var view = new SimilarityMatrix(similarity, images, captions, title);
        view.SaveHtml(htmlPath);
        view.SavePng(pngPath);
    }

    /// <summary>Writes a self-contained page; the file is written beside its place, then renamed.</summary>
    public void SaveHtml(string path) => _view.SaveHtml(path);

    /// <summary>
    /// Writes a PNG, drawn without a browser at twice the resolution of its layout; the file is written beside its place, then renamed.
    /// </summary>
    public void SavePng(string path) => SavePng(path, dark: false);

    /// <summary>Writes a PNG at twice the resolution of its layout; the file is written beside its place, then renamed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="dark">Whether to draw light text on a dark background.</param>
    public void SavePng(string path, bool dark) => _view.SavePng(path, dark);
}
