using System.Buffers.Binary;
using SkiaSharp;

namespace ClipNotebooks.Clip.Images;

/// <summary>
/// Decodes JPEG, PNG, WebP, GIF and BMP by SkiaSharp, whose samples equal Pillow's for JPEG and for 8-bit PNG. What SkiaSharp does not tell,
/// the file's header does: palettes, black and white, alpha; 16-bit gray PNG is read here, since SkiaSharp cuts it to 8 bits, and so is sequential JPEG, since SkiaSharp takes longer and
/// converts CMYK to RGB before the resize, where Pillow converts after it. A CMYK JPEG that is progressive, subsampled or in YCCK is left to SkiaSharp: its
/// pixels may differ slightly from Pillow's.
/// </summary>
public sealed class SkiaImageDecoder : IImageDecoder
{
    /// <summary>Pillow's limit before it speaks of a decompression bomb: twice 89,478,485 pixels.</summary>
    public const long DefaultMaxPixels = 178_956_970;

    /// <summary>The decoder with the default limit.</summary>
    public static SkiaImageDecoder Shared { get; } = new();

    /// <summary>The most pixels an image may have; more are refused by the header, before anything is allocated.</summary>
    public long MaxPixels { get; init; } = DefaultMaxPixels;

    /// <summary>
    /// Lets JPEG's decoder leave out the finest of its frequencies: of an image at least 4 or 8 times as large as this on its shorter side, in pixels, it gives one of 1/4 or 1/8 the size, never smaller than
    /// this (a half would take as long as the whole). Faster, and other pixels than Pillow's (tests/Benchmarks/README.md has both figures), so it is for a model's resize size and for those who ask for it; null,
    /// the default, decodes everything in full. Other formats and CMYK are not concerned.
    /// </summary>
    public int? DraftSide { get; init; }

    /// <inheritdoc/>
    public RasterImage Decode(ReadOnlyMemory<byte> encoded, string name)
    {
        if (encoded.IsEmpty) throw new InvalidDataException($"{name} is not an image: the file is empty.");
        var bytes = encoded.Span;
        if (PngHeader(bytes) is { } png)
        {
            CheckSize(png.Width, png.Height, name);
            if (png is { ColorType: 0, Depth: 16, Interlaced: false }) return Gray16Png.Decode(encoded, png.Width, png.Height, name);
        }

        if (BaselineJpeg.TryDecode(bytes, name, (width, height) => CheckSize(width, height, name), (width, height) => DraftDivisor(width, height) == 1) is { } jpeg) return jpeg;

        using var data = SKData.CreateCopy(bytes);
        using var codec = SKCodec.Create(data)
            ?? throw new InvalidDataException($"{name} is not an image that can be read: JPEG, PNG, WebP, GIF and BMP are.");
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        CheckSize(width, height, name);
        if (DraftDivisor(width, height) is > 1 and var divisor && codec.EncodedFormat == SKEncodedImageFormat.Jpeg)
        {
            var draft = codec.GetScaledDimensions(1f / divisor);
            (width, height) = (draft.Width, draft.Height);
        }

        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul);
        var decoded = RasterImage.Rent(width, height, Layout(bytes, codec, info));
        SKCodecResult result;
        unsafe
        {
            fixed (byte* target = decoded.Writable) result = codec.GetPixels(info, (IntPtr)target);
        }
        if (result == SKCodecResult.Success) return decoded;
        decoded.Dispose();
        throw new InvalidDataException($"{name} is damaged: decoding ended with {result}{(result == SKCodecResult.IncompleteInput ? ", the file is cut short" : "")}.");
    }

    private int DraftDivisor(int width, int height)
    {
        if (DraftSide is not { } wanted) return 1;
        int side = Math.Max(1, wanted), shorter = Math.Min(width, height);
        return shorter >= 8 * side ? 8 : shorter >= 4 * side ? 4 : 1;
    }

    private void CheckSize(long width, long height, string name)
    {
        if (width < 1 || height < 1) throw new InvalidDataException($"{name} has no pixels: its header says {width} x {height}.");
        if (width * height > MaxPixels)
            throw new InvalidDataException($"{name} has {width} x {height} pixels, more than the {MaxPixels:N0} allowed: it may be a decompression bomb. Raise {nameof(MaxPixels)} if it is meant.");
    }

    private static SampleLayout Layout(ReadOnlySpan<byte> bytes, SKCodec codec, SKImageInfo info)
    {
        bool alpha = info.AlphaType == SKAlphaType.Unpremul;
        switch (codec.EncodedFormat)
        {
            case SKEncodedImageFormat.Png when PngHeader(bytes) is { } png:
                if (png.ColorType == 3 || png is { ColorType: 0, Depth: 1 }) return SampleLayout.Indexed;
                return png.ColorType is 4 or 6 ? SampleLayout.Rgba : SampleLayout.Rgb;
            case SKEncodedImageFormat.Gif:
            case SKEncodedImageFormat.Bmp when bytes.Length > 30 && BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..]) <= 8:
                return SampleLayout.Indexed;
            default:
                return alpha ? SampleLayout.Rgba : SampleLayout.Rgb;
        }
    }

    private static (long Width, long Height, int Depth, int ColorType, bool Interlaced)? PngHeader(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> signature = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a];
        if (bytes.Length < 29 || !bytes.StartsWith(signature)) return null;
        return (BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]), BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]), bytes[24], bytes[25], bytes[28] != 0);
    }
}
