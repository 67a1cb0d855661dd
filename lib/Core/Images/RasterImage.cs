using System.Buffers;
using System.Runtime.InteropServices;
using ClipNotebooks.Core.Base;
using SkiaSharp;

namespace ClipNotebooks.Core.Images;

/// <summary>
/// An image with its samples as in the file: W · H pixels, rows from the top, four bytes per pixel; 16-bit gray is in <see cref="Gray16"/>
/// instead. The model's recipe (<see cref="ClipImageTransform"/>) decides when it becomes RGB, so the layout is kept with the samples until
/// then. An RGB picture made in memory has the layout <see cref="SampleLayout.Rgb"/>. Immutable. When working with many images, dispose
/// each one after use, so that the next one reuses its memory; the garbage collector takes those that are not disposed.
/// </summary>
public sealed class RasterImage : IDisposable
{
    internal const uint Black = 0xff000000;

    private readonly bool _rented;
    private byte[]? _samples;

    private RasterImage(int width, int height, SampleLayout layout, byte[] samples, ushort[] gray16, bool rented = false) =>
        (Width, Height, Layout, _samples, Gray16, _rented) = (width, height, layout, samples, gray16, rented);

    /// <summary>W, in pixels.</summary>
    public int Width { get; }

    /// <summary>H, in pixels.</summary>
    public int Height { get; }

    /// <summary>What the samples mean.</summary>
    public SampleLayout Layout { get; }

    /// <summary>4 · W · H bytes; empty for 16-bit gray.</summary>
    /// <exception cref="ObjectDisposedException">The image was disposed.</exception>
    public ReadOnlySpan<byte> Samples => Writable;

    internal Span<byte> Writable
    {
        get
        {
            ObjectDisposedException.ThrowIf(_samples is null, this);
            return _samples.AsSpan(0, Layout == SampleLayout.Gray16 ? 0 : 4 * Width * Height);
        }
    }

    internal Span<uint> WritablePixels => MemoryMarshal.Cast<byte, uint>(Writable);

    /// <summary>For a palette: the colour of Pillow's index 0, which fills padding; red in the lowest byte.</summary>
    internal uint FirstColour { get; init; } = Black;

    /// <summary>W · H samples of 16-bit gray; empty otherwise.</summary>
    public ushort[] Gray16 { get; }

    /// <summary>An image whose samples are still to be written.</summary>
    internal static RasterImage Rent(int width, int height, SampleLayout layout, uint firstColour = Black) =>
        new(width, height, layout, ArrayPool<byte>.Shared.Rent(checked(4 * width * height)), [],
            rented: true) { FirstColour = firstColour };

    /// <summary>Makes an RGB image.</summary>
    /// <param name="width">W, at least 1.</param>
    /// <param name="height">H, at least 1.</param>
    /// <param name="rgb">3 · W · H bytes, copied: red, green, blue of the top left pixel, then of the one to its right.</param>
    /// <exception cref="ArgumentException">The length does not fit the size.</exception>
    public static RasterImage FromRgb(int width, int height, ReadOnlySpan<byte> rgb)
    {
        if (width < 1 || height < 1 || rgb.Length != 3L * width * height)
            throw new ArgumentException(
                $"An RGB image of {width} x {height} pixels has {3L * width * height} bytes; {rgb.Length} were given.");
        var samples = GC.AllocateUninitializedArray<byte>(checked(4 * width * height));
        for (int i = 0, j = 0; j < samples.Length; i += 3, j += 4)
            (samples[j], samples[j + 1], samples[j + 2], samples[j + 3]) = (rgb[i], rgb[i + 1], rgb[i + 2], 255);
        return new RasterImage(width, height, SampleLayout.Rgb, samples, []);
    }

    /// <summary>Makes an image of 4 · W · H bytes, four per pixel; keeps the array without copying it.</summary>
    /// <exception cref="ArgumentException">The array's length does not fit the size, or the layout has no such samples.</exception>
    public static RasterImage FromSamples(int width, int height, SampleLayout layout, byte[] samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        if (layout == SampleLayout.Gray16) throw new ArgumentException("16-bit gray has its own samples; use FromGray16.", nameof(layout));
        if (width < 1 || height < 1 || samples.LongLength != 4L * width * height)
            throw new ArgumentException(
                $"An image of {width} x {height} pixels has {4L * width * height} bytes here; {samples.LongLength} were given.");
        return new RasterImage(width, height, layout, samples, []);
    }

    /// <summary>Makes an image of W · H samples of 16-bit gray; keeps the array without copying it.</summary>
    /// <exception cref="ArgumentException">The array's length does not fit the size.</exception>
    public static RasterImage FromGray16(int width, int height, ushort[] samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        if (width < 1 || height < 1 || samples.LongLength != (long)width * height)
            throw new ArgumentException(
                $"An image of {width} x {height} pixels has {(long)width * height} samples; {samples.LongLength} were given.");
        return new RasterImage(width, height, SampleLayout.Gray16, [], samples);
    }

    /// <summary>Decodes a file with the default decoder; orientation tags and colour profiles are left alone.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not an image that can be read; the message says why.</exception>
    public static RasterImage Load(string path) => SkiaImageDecoder.Shared.Decode(ImageFileBytes.Read(path), path);

    /// <summary>
    /// Converts every pixel to red, green and blue, as Pillow's <c>convert("RGB")</c> does: alpha is dropped, CMYK converted, 16-bit gray
    /// clipped at 255.
    /// </summary>
    /// <returns>A new array of 3 · W · H bytes: red, green, blue of the top left pixel, then of the one to its right.</returns>
    /// <exception cref="ObjectDisposedException">The image was disposed.</exception>
    public byte[] ToRgbBytes()
    {
        var rgb = GC.AllocateUninitializedArray<byte>(3 * Width * Height);
        var samples = ToRgb().Samples;
        for (int i = 0, j = 0; i < rgb.Length; i += 3, j += 4)
            (rgb[i], rgb[i + 1], rgb[i + 2]) = (samples[j], samples[j + 1], samples[j + 2]);
        return rgb;
    }

    /// <summary>
    /// Converts to an RGB image. If the samples already are red, green and blue, the two images share them, and only one of the two is to
    /// be disposed.
    /// </summary>
    internal RasterImage ToRgb()
    {
        if (Layout == SampleLayout.Rgb) return this;
        ObjectDisposedException.ThrowIf(_samples is null, this);
        if (Layout is not (SampleLayout.Cmyk or SampleLayout.Gray16))
            return new RasterImage(Width, Height, SampleLayout.Rgb, _samples, [], _rented);
        var rgb = Rent(Width, Height, SampleLayout.Rgb);
        Span<byte> target = rgb.Writable, samples = Writable;
        for (int p = 0, j = 0; j < target.Length; p++, j += 4)
        {
            if (Layout == SampleLayout.Gray16) target[j] = target[j + 1] = target[j + 2] = (byte)Math.Min((ushort)255, Gray16[p]);
            else for (int c = 0; c < 3; c++) target[j + c] = FromCmyk(samples[j + c], samples[j + 3]);
            target[j + 3] = 255;
        }
        return rgb;
    }

    /// <summary>Pillow's <c>cmyk2rgb</c>: 255 − k − (255 − k) · c / 255, the product rounded as 8-bit blending does.</summary>
    private static byte FromCmyk(byte colour, byte black)
    {
        int light = 255 - black, product = light * colour + 128;
        return (byte)Math.Clamp(light - ((product + (product >> 8)) >> 8), 0, 255);
    }

    /// <summary>Encodes as PNG, in RGB, without loss.</summary>
    public byte[] ToPng() => Encode(SKEncodedImageFormat.Png, 100);

    /// <summary>Encodes as JPEG, baseline, with half the colours' resolution (4:2:0).</summary>
    /// <param name="quality">0 to 100.</param>
    public byte[] ToJpeg(int quality = 90) => Encode(SKEncodedImageFormat.Jpeg, quality);

    /// <summary>Writes a PNG file, under a temporary name first, then renamed.</summary>
    public void SavePng(string path)
    {
        AtomicFile.Write(path, ToPng());
    }

    /// <summary>Returns the samples' memory for use by the next image.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _samples, null) is { } samples && _rented) ArrayPool<byte>.Shared.Return(samples);
    }

    /// <summary>Copies the image to an opaque RGB bitmap, to draw or to draw on; the caller disposes it.</summary>
    internal SKBitmap ToBitmap()
    {
        var bitmap = new SKBitmap(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var target = bitmap.GetPixelSpan();
        ToRgb().Samples.CopyTo(target);
        for (int i = 3; i < target.Length; i += 4) target[i] = 255;
        return bitmap;
    }

    /// <summary>Copies a bitmap to an RGB image.</summary>
    /// <param name="bitmap">Opaque, of four bytes a pixel, red first.</param>
    internal static RasterImage FromBitmap(SKBitmap bitmap)
    {
        var samples = bitmap.GetPixelSpan();
        byte[] rgb = new byte[3 * bitmap.Width * bitmap.Height];
        for (int i = 0, j = 0; i < rgb.Length; i += 3, j += 4)
            (rgb[i], rgb[i + 1], rgb[i + 2]) = (samples[j], samples[j + 1], samples[j + 2]);
        return FromRgb(bitmap.Width, bitmap.Height, rgb);
    }

    private byte[] Encode(SKEncodedImageFormat format, int quality)
    {
        using var bitmap = ToBitmap();
        using var data = bitmap.Encode(format, quality);
        return data.ToArray();
    }
}
