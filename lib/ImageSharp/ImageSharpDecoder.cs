using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Images;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Memory;
using SixLabors.ImageSharp.PixelFormats;
using IImageDecoder = ClipNotebooks.Clip.Images.IImageDecoder;

namespace ClipNotebooks.ImageSharp;

/// <summary>
/// Decodes by ImageSharp what it reads (JPEG, PNG, WebP, GIF, BMP, TIFF, TGA, PBM, QOI), all in managed code. The first frame; samples in the layout of their file, 16-bit gray PNG in 16 bits.
/// CMYK JPEG comes out as RGB, where CLIP's pipeline resizes before it converts: its pixels differ slightly from Pillow's. Thread-safe.
/// </summary>
public sealed class ImageSharpDecoder : IImageDecoder
{
    private static readonly DecoderOptions FirstFrame = new() { MaxFrames = 1 };

    /// <summary>The most pixels an image may have; more are refused by the header, before anything is allocated.</summary>
    public long MaxPixels { get; init; } = SkiaImageDecoder.DefaultMaxPixels;

    /// <inheritdoc/>
    public RasterImage Decode(ReadOnlyMemory<byte> encoded, string name, CancellationToken cancellationToken = default)
    {
        if (encoded.IsEmpty) throw new InvalidDataException($"{name} is not an image: the file is empty.");
        try
        {
            var info = Image.Identify(FirstFrame, encoded.Span);
            if ((long)info.Width * info.Height > MaxPixels)
                throw new InvalidDataException($"{name} has {info.Width} x {info.Height} pixels, more than the {MaxPixels:N0} allowed: it may be a decompression bomb. Raise {nameof(MaxPixels)} if it is meant.");
            return LayoutOf(info) == SampleLayout.Gray16 ? Gray16(encoded.Span) : Bytes(encoded.Span, LayoutOf(info));
        }
        catch (UnknownImageFormatException exception)
        {
            throw new InvalidDataException($"{name} is not an image that can be read: JPEG, PNG, WebP, GIF, BMP, TIFF, TGA, PBM and QOI are.", exception);
        }
        catch (Exception exception) when (exception is ImageFormatException or InvalidMemoryOperationException or NotSupportedException)
        {
            throw new InvalidDataException($"{name} is damaged, or of a kind that ImageSharp does not read: {exception.Message}", exception);
        }
    }

    private static RasterImage Gray16(ReadOnlySpan<byte> encoded)
    {
        using var image = Image.Load<L16>(FirstFrame, encoded);
        var samples = new ushort[image.Width * image.Height];
        image.CopyPixelDataTo(MemoryMarshal.AsBytes(samples.AsSpan()));
        return RasterImage.FromGray16(image.Width, image.Height, samples);
    }

    private static RasterImage Bytes(ReadOnlySpan<byte> encoded, SampleLayout layout)
    {
        using var image = Image.Load<Rgba32>(FirstFrame, encoded);
        var samples = new byte[4 * image.Width * image.Height];
        image.CopyPixelDataTo(samples.AsSpan());
        return RasterImage.FromSamples(image.Width, image.Height, layout, samples);
    }

    private static SampleLayout LayoutOf(ImageInfo info)
    {
        switch (info.Metadata.DecodedImageFormat)
        {
            case PngFormat:
                var png = info.Metadata.GetPngMetadata();
                return png.ColorType switch
                {
                    PngColorType.Palette => SampleLayout.Indexed,
                    PngColorType.Grayscale => png.BitDepth switch { PngBitDepth.Bit1 => SampleLayout.Indexed, PngBitDepth.Bit16 => SampleLayout.Gray16, _ => SampleLayout.Rgb },
                    PngColorType.GrayscaleWithAlpha or PngColorType.RgbWithAlpha => SampleLayout.Rgba,
                    _ => SampleLayout.Rgb,
                };
            case GifFormat:
                return SampleLayout.Indexed;
            case BmpFormat:
                return info.PixelType.BitsPerPixel <= 8 ? SampleLayout.Indexed : SampleLayout.Rgb;
            case JpegFormat:
                return SampleLayout.Rgb;
            default:
                // Where alpha may be, it counts; where there is none it is 255 everywhere, and changes nothing.
                return info.PixelType.BitsPerPixel is 32 or 64 ? SampleLayout.Rgba : SampleLayout.Rgb;
        }
    }
}
