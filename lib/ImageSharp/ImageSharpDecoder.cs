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
/// Decodes by ImageSharp what it reads (JPEG, PNG, WebP, GIF, BMP, TIFF, TGA, PBM), all in managed code. The first frame; samples in the
/// layout of their file, 16-bit gray PNG in 16 bits. CMYK JPEG comes out as RGB, where CLIP's pipeline resizes before it converts: its
/// pixels differ slightly from Pillow's. Thread-safe.
/// </summary>
public sealed class ImageSharpDecoder : IImageDecoder
{
    /// <summary>Scans times pixels of a JPEG, as the default decoder bounds them.</summary>
    private const long MostWork = 1L << 31;

    private readonly Lazy<Configuration> _configuration;

    /// <summary>A decoder of whatever size is allowed by default.</summary>
    public ImageSharpDecoder() => _configuration = new(Create);

    /// <summary>
    /// The most pixels an image may have; more are refused by the header, before anything is allocated. What a file makes ImageSharp
    /// allocate at once besides, whatever its header says, is bounded by four bytes for each of them and 64 MB.
    /// </summary>
    public long MaxPixels { get; init; } = SkiaImageDecoder.DefaultMaxPixels;

    /// <inheritdoc/>
    /// <remarks>ImageSharp does not stop in the middle of an image: the token is looked at before.</remarks>
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

    /// <summary>Refuses what is too large, asks for too much work, or is cut short, before anything is allocated.</summary>
    private void Check(byte[] bytes, string name, IImageInfo info, IImageFormat format)
    {
        long pixels = (long)info.Width * info.Height;
        if (pixels > MaxPixels)
            throw new InvalidDataException($"{name} has {info.Width} x {info.Height} pixels, more than the {MaxPixels:N0} allowed: "
                + $"it may be a decompression bomb. Raise {nameof(MaxPixels)} if it is meant.");
        if (format is JpegFormat && Scans(bytes) * pixels is > MostWork and var work)
            throw new InvalidDataException($"{name} asks for too much work: its scans have {work:N0} pixels, more than the "
                + $"{MostWork:N0} decoded. Save it anew.");
        // Every block of a JPEG's 8 x 8 pixels takes a bit, at least.
        if ((format is JpegFormat && pixels > 8 * 64 * (long)bytes.Length) || !TruncationCheck.IsWhole(bytes))
            throw new InvalidDataException($"{name} is damaged: it is cut short.");
    }

    /// <summary>What ImageSharp 2.1 throws at damaged files; of the last six its documentation says nothing.</summary>
    private static bool IsOfTheFile(Exception exception) => exception is ImageFormatException or InvalidMemoryOperationException
        or NotSupportedException or IndexOutOfRangeException or ArgumentException or NullReferenceException
        or InvalidOperationException or OverflowException or EndOfStreamException;

    /// <summary>The first frame alone, and no texts and profiles, which may be compressed a thousandfold.</summary>
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
                // Where alpha may be, it counts; where there is none it is 255 everywhere, and changes nothing.
                return info.PixelType.BitsPerPixel is 32 or 64 ? SampleLayout.Rgba : SampleLayout.Rgb;
        }
    }
}
