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
