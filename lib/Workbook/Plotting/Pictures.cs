using ClipNotebooks.Clip.Base;
using ClipNotebooks.Clip.Images;
using SkiaSharp;

namespace ClipNotebooks.Workbook.Plotting;

/// <summary>Small forms of images, and files of pictures.</summary>
internal static class Pictures
{
    /// <summary>A PNG of at most <paramref name="side"/> pixels on its longer side, as data URI.</summary>
    public static string DataUri(RasterImage image, int side)
    {
        using var small = Thumbnail(image, side);
        using var data = small.Encode(SKEncodedImageFormat.Png, 100);
        return "data:image/png;base64," + Convert.ToBase64String(data.AsSpan());
    }

    /// <summary>A JPEG of at most <paramref name="side"/> pixels on its longer side, as data URI: a small form of many pictures.</summary>
    public static string Jpeg(RasterImage image, int side)
    {
        using var small = Thumbnail(image, side);
        return Jpeg(small);
    }

    /// <summary>All images in rows of <paramref name="columns"/>, each <paramref name="side"/> pixels square, as one JPEG.</summary>
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
        return Jpeg(sheet);
    }

    private static string Jpeg(SKBitmap picture)
    {
        using var data = picture.Encode(SKEncodedImageFormat.Jpeg, 80);
        return "data:image/jpeg;base64," + Convert.ToBase64String(data.AsSpan());
    }

    /// <summary>The image with its longer side reduced to <paramref name="side"/> pixels; smaller images as they are.</summary>
    public static SKBitmap Thumbnail(RasterImage image, int side)
    {
        using var png = SKData.CreateCopy(image.ToPng());
        var full = SKBitmap.Decode(png);
        double scale = (double)side / Math.Max(image.Width, image.Height);
        if (scale >= 1) return full;
        using (full)
            return full.Resize(new SKSizeI(Math.Max(1, (int)Math.Round(image.Width * scale)), Math.Max(1, (int)Math.Round(image.Height * scale))),
                new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
    }

    /// <summary>Writes a file beside its place, then renames it.</summary>
    public static void Write(string path, byte[] content)
    {
        AtomicFile.Write(path, content);
    }
}
