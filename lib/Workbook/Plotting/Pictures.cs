using ClipNotebooks.Core.Images;
using SkiaSharp;

namespace ClipNotebooks.Workbook.Plotting;

/// <summary>Thumbnails of images.</summary>
internal static class Pictures
{
    /// <summary>Pictures of up to this many pixels a side (patches, filters, maps) are shown without loss.</summary>
    private const int Few = 32;

    /// <summary>
    /// A PNG of at most <paramref name="side"/> pixels on its longer side, as data URI: without loss, for a model to read.
    /// </summary>
    public static string Exact(RasterImage image, int side)
    {
        using var small = Thumbnail(image, side);
        return DataUri(small, SKEncodedImageFormat.Png, 100);
    }

    /// <summary>
    /// A picture of at most <paramref name="side"/> pixels on its longer side, as data URI, for people to look at: WebP, a fifth of a PNG's
    /// size; a picture of few pixels stays a PNG.
    /// </summary>
    public static string Shown(RasterImage image, int side)
    {
        using var small = Thumbnail(image, side);
        bool few = Math.Max(small.Width, small.Height) <= Few;
        return DataUri(small, few ? SKEncodedImageFormat.Png : SKEncodedImageFormat.Webp, few ? 100 : 85);
    }

    /// <summary>
    /// All images as one picture, in rows of <paramref name="columns"/>, each within a square of <paramref name="side"/> pixels.
    /// </summary>
    public static string Sheet(IReadOnlyList<RasterImage> images, int side, int columns)
    {
        int rows = (images.Count + columns - 1) / columns;
        using var sheet = new SKBitmap(new SKImageInfo(side * columns, side * rows, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(sheet))
        {
            foreach (var (i, image) in images.Index())
            {
                using var small = Thumbnail(image, side);
                canvas.DrawBitmap(small, i % columns * side, i / columns * side, new SKSamplingOptions(SKFilterMode.Linear));
            }
        }
        return DataUri(sheet, SKEncodedImageFormat.Webp, 75);
    }

    private static string DataUri(SKBitmap picture, SKEncodedImageFormat format, int quality)
    {
        using var data = picture.Encode(format, quality);
        return $"data:image/{(format == SKEncodedImageFormat.Png ? "png" : "webp")};base64,{Convert.ToBase64String(data.AsSpan())}";
    }

    /// <summary>The image with its longer side reduced to <paramref name="side"/> pixels; smaller images as they are.</summary>
    public static SKBitmap Thumbnail(RasterImage image, int side)
    {
        var full = image.ToBitmap();
        double scale = (double)side / Math.Max(image.Width, image.Height);
        if (scale >= 1) return full;
        using (full)
            return full.Resize(new SKSizeI(Math.Max(1, (int)Math.Round(image.Width * scale)),
                Math.Max(1, (int)Math.Round(image.Height * scale))),
                new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
    }
}
