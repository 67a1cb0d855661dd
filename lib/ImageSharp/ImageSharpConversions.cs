using ClipNotebooks.Core.Images;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace ClipNotebooks.ImageSharp;

/// <summary>Converts ImageSharp's images to the library's and back; samples are copied unchanged.</summary>
public static class ImageSharpConversions
{
    /// <summary>Copies an image from ImageSharp.</summary>
    /// <param name="image">The image, of which the first frame is copied. Orientation tags and colour profiles are not applied.</param>
    public static RasterImage ToRasterImage(this Image<Rgb24> image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var pixels = new byte[3 * image.Width * image.Height];
        image.CopyPixelDataTo(pixels.AsSpan());
        return RasterImage.FromRgb(image.Width, image.Height, pixels);
    }

    /// <summary>Copies an image to ImageSharp.</summary>
    /// <returns>The caller's to dispose.</returns>
    public static Image<Rgb24> ToImageSharp(this RasterImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Image.LoadPixelData<Rgb24>(image.ToRgbBytes().AsSpan(), image.Width, image.Height);
    }
}
