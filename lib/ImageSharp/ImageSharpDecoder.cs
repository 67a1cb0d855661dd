using System.Runtime.InteropServices;
using ClipNotebooks.Core.Images;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Tiff;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.Memory;
using SixLabors.ImageSharp.Metadata;
using SixLabors.ImageSharp.PixelFormats;
using IImageDecoder = ClipNotebooks.Core.Images.IImageDecoder;

namespace ClipNotebooks.ImageSharp;

/// <summary>
/// Decodes what ImageSharp reads (JPEG, PNG, WebP, GIF, BMP, TIFF, TGA, PBM), all in managed code. Only the first frame is decoded. Samples
/// have the layout of their file; 16-bit gray PNG keeps its 16 bits. CMYK JPEG becomes RGB at once, while CLIP's pipeline resizes before it
/// converts, so its pixels differ slightly from Pillow's. Thread-safe.
/// </summary>
public sealed class ImageSharpDecoder : IImageDecoder
{
    /// <summary>The largest product of a JPEG's scans and pixels, the same as the default decoder's.</summary>
    private const long MostWork = 1L << 31;

    private readonly Lazy<Configuration> _configuration;

    /// <summary>A decoder with the default limit on an image's size.</summary>
    public ImageSharpDecoder() => _configuration = new(Create);

    /// <summary>
    /// The most pixels an image may have; larger ones are refused by their header, before anything is allocated. Whatever a header says,
    /// ImageSharp may allocate at most four bytes for each of these pixels plus 64 MB at once.
    /// </summary>
    public long MaxPixels { get; init; } = SkiaImageDecoder.DefaultMaxPixels;

    /// <inheritdoc/>
    /// <remarks>ImageSharp cannot stop in the middle of an image: the token is checked only before it begins.</remarks>
    public RasterImage Decode(ReadOnlyMemory<byte> encoded, string name, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (encoded.IsEmpty) throw new InvalidDataException($"{name} is not an image: the file is empty.");
        try
        {
            bool whole = MemoryMarshal.TryGetArray(encoded, out var part) && part.Offset == 0 && part.Count == part.Array!.Length;
            byte[] bytes = whole ? part.Array! : encoded.ToArray();
            var info = Image.Identify(_configuration.Value, bytes, out var format)
                ?? throw new UnknownImageFormatException("No decoder knows it.");
            Check(bytes, name, info, format);
            var layout = LayoutOf(info, format);
            return layout == SampleLayout.Gray16 ? Gray16(bytes) : Bytes(bytes, layout, format);
        }
        catch (UnknownImageFormatException exception)
        {
            throw new InvalidDataException(
                $"{name} is not an image that can be read: JPEG, PNG, WebP, GIF, BMP, TIFF, TGA and PBM are.", exception);
        }
        catch (Exception exception) when (IsOfTheFile(exception))
        {
            throw new InvalidDataException(
                $"{name} is damaged, or of a kind that ImageSharp does not read: {exception.Message}", exception);
        }
    }

    /// <summary>Refuses a file that is too large, asks for too much work, or is cut short, before anything is allocated.</summary>
    private void Check(byte[] bytes, string name, IImageInfo info, IImageFormat format)
    {
        long pixels = (long)info.Width * info.Height;
        if (pixels > MaxPixels)
            throw new InvalidDataException($"{name} has {info.Width} x {info.Height} pixels, more than the {MaxPixels:N0} allowed: "
                + $"it may be a decompression bomb. Raise {nameof(MaxPixels)} if it is meant.");
        if (format is JpegFormat && Scans(bytes) * pixels is > MostWork and var work)
            throw new InvalidDataException($"{name} asks for too much work: its scans have {work:N0} pixels, more than the "
                + $"{MostWork:N0} decoded. Save it anew.");
        // Each block of 8 x 8 pixels in a JPEG takes at least one bit.
        if ((format is JpegFormat && pixels > 8 * 64 * (long)bytes.Length) || !TruncationCheck.IsWhole(bytes))
            throw new InvalidDataException($"{name} is damaged: it is cut short.");
    }

    /// <summary>The exceptions that ImageSharp 2.1 throws for damaged files; its documentation does not mention the last six.</summary>
    private static bool IsOfTheFile(Exception exception) => exception is ImageFormatException or InvalidMemoryOperationException
        or NotSupportedException or IndexOutOfRangeException or ArgumentException or NullReferenceException
        or InvalidOperationException or OverflowException or EndOfStreamException;

    /// <summary>
    /// A configuration that reads only the first frame, and no texts or profiles, which may be compressed a thousandfold.
    /// </summary>
    private Configuration Create()
    {
        var configuration = Configuration.Default.Clone();
        var formats = configuration.ImageFormatsManager;
        formats.SetDecoder(PngFormat.Instance, new PngDecoder { IgnoreMetadata = true });
        formats.SetDecoder(JpegFormat.Instance, new JpegDecoder { IgnoreMetadata = true });
        formats.SetDecoder(GifFormat.Instance, new GifDecoder { IgnoreMetadata = true, DecodingMode = FrameDecodingMode.First });
        formats.SetDecoder(TiffFormat.Instance, new TiffDecoder { IgnoreMetadata = true, DecodingMode = FrameDecodingMode.First });
        formats.SetDecoder(WebpFormat.Instance, new WebpDecoder { IgnoreMetadata = true });
        int limit = (int)Math.Min(int.MaxValue, 64 + (4 * MaxPixels >> 20));
        configuration.MemoryAllocator = MemoryAllocator.Create(new MemoryAllocatorOptions { AllocationLimitMegabytes = limit });
        return configuration;
    }

    private static long Scans(ReadOnlySpan<byte> bytes)
    {
        long scans = 0;
        for (int at = 0; bytes[at..].IndexOf<byte>([0xff, 0xda]) is >= 0 and var next; at += next + 2) scans++;
        return scans;
    }

    private RasterImage Gray16(byte[] encoded)
    {
        using var image = Image.Load<L16>(_configuration.Value, encoded);
        var samples = new ushort[image.Width * image.Height];
        image.CopyPixelDataTo(MemoryMarshal.AsBytes(samples.AsSpan()));
        return RasterImage.FromGray16(image.Width, image.Height, samples);
    }

    private RasterImage Bytes(byte[] encoded, SampleLayout layout, IImageFormat format)
    {
        using var image = Image.Load<Rgba32>(_configuration.Value, encoded);
        var samples = new byte[4 * image.Width * image.Height];
        image.CopyPixelDataTo(samples.AsSpan());
        // WebP's header as ImageSharp gives it does not say whether there is alpha.
        if (format is WebpFormat && IsOpaque(samples)) layout = SampleLayout.Rgb;
        return RasterImage.FromSamples(image.Width, image.Height, layout, samples);
    }

    private static bool IsOpaque(ReadOnlySpan<byte> samples)
    {
        for (int alpha = 3; alpha < samples.Length; alpha += 4)
            if (samples[alpha] < 255) return false;
        return true;
    }

    private static SampleLayout LayoutOf(IImageInfo info, IImageFormat format)
    {
        switch (format)
        {
            case PngFormat:
                var png = info.Metadata.GetPngMetadata();
                return png.ColorType switch
                {
                    PngColorType.Palette => SampleLayout.Indexed,
                    PngColorType.Grayscale => png.BitDepth switch
                    {
                        PngBitDepth.Bit1 => SampleLayout.Indexed,
                        PngBitDepth.Bit16 => SampleLayout.Gray16,
                        _ => SampleLayout.Rgb,
                    },
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
                // Alpha is kept wherever there may be some: if there is none, it is 255 everywhere and changes nothing.
                return info.PixelType.BitsPerPixel is 32 or 64 ? SampleLayout.Rgba : SampleLayout.Rgb;
        }
    }
}
