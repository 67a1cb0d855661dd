using ClipNotebooks.Core.Images;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace ClipNotebooks.ImageSharp;

/// <summary>From ImageSharp's images to the library's and back; samples are copied as they are.</summary>
public static class ImageSharpConversions
{
    /// <summary>Copies an image of ImageSharp.</summary>
    /// <param name="image">Its first frame is taken. Orientation tags and colour profiles are left alone.</param>
    public static RasterImage ToRasterImage(this Image<Rgb24> image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var pixels = new byte[3 * image.Width * image.Height];
        image.CopyPixelDataTo(pixels.AsSpan());
        return RasterImage.FromRgb(image.Width, image.Height, pixels);
    }

    /// <summary>Copies an image for ImageSharp.</summary>
    /// <returns>The caller's to dispose.</returns>
    public static Image<Rgb24> ToImageSharp(this RasterImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Image.LoadPixelData<Rgb24>(image.ToRgbBytes().AsSpan(), image.Width, image.Height);
    }
}
