using System.Buffers.Binary;
using SkiaSharp;

namespace ClipNotebooks.Core.Images;

/// <summary>
/// Decodes JPEG, PNG, WebP, GIF and BMP to samples that equal Pillow's. PNG, GIF, BMP and nearly all JPEG are read by this library, which
/// keeps what SkiaSharp does not return (palettes, gray palettes, 16 bits, CMYK) and detects files that are cut short; WebP and rare forms
/// of JPEG are read by SkiaSharp. A CMYK JPEG of such a form is returned as RGB: its pixels may differ slightly from Pillow's. Thread-safe.
/// </summary>
public sealed class SkiaImageDecoder : IImageDecoder
{
    /// <summary>Pillow's limit before it reports a decompression bomb: twice 89,478,485 pixels.</summary>
    public const long DefaultMaxPixels = 178_956_970;

    /// <summary>The decoder with the default limit.</summary>
    public static SkiaImageDecoder Shared { get; } = new();

    /// <summary>The most pixels an image may have; more are refused by the header, before anything is allocated.</summary>
    public long MaxPixels { get; init; } = DefaultMaxPixels;

    /// <summary>
    /// Lets the JPEG decoder skip the highest frequencies: an image whose shorter side is at least 4 or 8 times this many pixels is decoded
    /// at 1/4 or 1/8 of its size, never smaller than this (1/2 would take as long as the whole). Faster, but with other pixels than
    /// Pillow's (tests/Benchmarks/README.md has both figures). Meant to be set to a model's resize size; null, the default, decodes
    /// everything in full. Other formats and CMYK are not affected.
    /// </summary>
    public int? DraftSide { get; init; }

    /// <inheritdoc/>
    public RasterImage Decode(ReadOnlyMemory<byte> encoded, string name, CancellationToken cancellationToken = default)
    {
        if (encoded.IsEmpty) throw new InvalidDataException($"{name} is not an image: the file is empty.");
        var bytes = encoded.Span;
        void Check(long width, long height) => CheckSize(width, height, name);
        if (PngFile.Is(bytes)) return PngFile.Decode(bytes, name, Check, cancellationToken);
        if (GifFile.Is(bytes)) return GifFile.Decode(bytes, name, Check, cancellationToken);
        if (BmpFile.Is(bytes)) return BmpFile.Decode(bytes, name, Check, cancellationToken);
        if (JpegFile.TryDecode(
            bytes, name, Check, (width, height) => DraftDivisor(width, height) == 1, cancellationToken) is { } jpeg) return jpeg;

        bool isWebP = bytes.Length >= 12 && bytes.StartsWith("RIFF"u8) && bytes[8..].StartsWith("WEBP"u8);
        if (isWebP && BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) > bytes.Length - 7L) throw new InvalidDataException(
            $"{name} is damaged: it is cut short.");
        using var data = SKData.CreateCopy(bytes);
        using var codec = isWebP || bytes.StartsWith<byte>([0xff, 0xd8]) ? SKCodec.Create(data) : null;
        if (codec is null) throw new InvalidDataException($"{name} is not an image that can be read: JPEG, PNG, WebP, GIF and BMP are.");
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        CheckSize(width, height, name);
        if (!isWebP && DraftDivisor(width, height) is > 1 and var divisor)
        {
            var draft = codec.GetScaledDimensions(1f / divisor);
            (width, height) = (draft.Width, draft.Height);
        }

        var info = new SKImageInfo(width, height, SKColorType.Rgba8888,
            codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul);
        var decoded = RasterImage.Rent(width, height, info.AlphaType == SKAlphaType.Unpremul ? SampleLayout.Rgba : SampleLayout.Rgb);
        SKCodecResult result;
        unsafe
        {
            fixed (byte* target = decoded.Writable) result = codec.GetPixels(info, (IntPtr)target);
        }
        if (result == SKCodecResult.Success) return decoded;
        decoded.Dispose();
        throw new InvalidDataException($"{name} is damaged: decoding ended with " +
            $"{result}{(result == SKCodecResult.IncompleteInput ? ", the file is cut short" : "")}.");
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
        if (width > MaxPixels / height) // the product of two 32-bit numbers may not fit a long
            throw new InvalidDataException($"{name} has {width} x {height} pixels, more than the {MaxPixels:N0} allowed: "
                + $"it may be a decompression bomb. Raise {nameof(MaxPixels)} if it is meant.");
    }
}
