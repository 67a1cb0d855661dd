using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Workbook.Views;

/// <summary>Images side by side, each over its caption.</summary>
/// <param name="images">The images.</param>
/// <param name="captions">One caption for each image.</param>
public sealed class ImageStrip(IReadOnlyList<RasterImage> images, IReadOnlyList<string> captions) : View
{
    /// <inheritdoc/>
    public override string ToHtml() => "<div style=\"display:flex;flex-wrap:wrap;gap:12px\">" +
        string.Concat(images.Zip(captions, (image, caption) =>
        $"<figure style=\"margin:0;width:120px\">{Markup.Image(image, caption, 120)}<figcaption " +
            $"style=\"font-size:0.8em\">{Markup.Escape(caption)}</figcaption></figure>")) + "</div>";

    /// <inheritdoc/>
    public override string ToText() => string.Join(Environment.NewLine,
        images.Zip(captions, (image, caption) => $"[{image.Width} × {image.Height}] {caption}"));
}
