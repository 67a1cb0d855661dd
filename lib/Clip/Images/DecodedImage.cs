using System.Buffers;

namespace ClipNotebooks.Clip.Images;

/// <summary>
/// An image as its file holds it: CLIP's pipeline resizes before it converts to RGB, so the layout matters until then. Four bytes a pixel, rows from
/// the top; 16-bit gray in <see cref="Gray16"/> instead. Whoever is done with it disposes it, so that the next image takes its memory; one that is not disposed is the collector's.
/// </summary>
public sealed class DecodedImage : IDisposable
{
    private readonly bool _rented;
    private byte[]? _samples;

    private DecodedImage(int width, int height, SampleLayout layout, byte[] samples, ushort[] gray16, bool rented = false) =>
        (Width, Height, Layout, _samples, Gray16, _rented) = (width, height, layout, samples, gray16, rented);

    /// <summary>W.</summary>
    public int Width { get; }

    /// <summary>H.</summary>
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

    /// <summary>W · H samples of 16-bit gray; empty otherwise.</summary>
    public ushort[] Gray16 { get; }

    /// <summary>An image whose samples are to be written; of no layout but four bytes a pixel.</summary>
    internal static DecodedImage Rent(int width, int height, SampleLayout layout) => new(width, height, layout, ArrayPool<byte>.Shared.Rent(checked(4 * width * height)), [], rented: true);

    /// <summary>Takes over four bytes a pixel.</summary>
    /// <exception cref="ArgumentException">The array's length does not fit the size, or the layout has no such samples.</exception>
    public static DecodedImage FromBytes(int width, int height, SampleLayout layout, byte[] samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        if (layout == SampleLayout.Gray16) throw new ArgumentException("16-bit gray has two bytes a pixel; use FromGray16.", nameof(layout));
        if (width < 1 || height < 1 || samples.LongLength != 4L * width * height)
            throw new ArgumentException($"An image of {width} x {height} pixels has {4L * width * height} bytes here; {samples.LongLength} were given.");
        return new DecodedImage(width, height, layout, samples, []);
    }

    /// <summary>Takes over 16-bit gray samples.</summary>
    /// <exception cref="ArgumentException">The array's length does not fit the size.</exception>
    public static DecodedImage FromGray16(int width, int height, ushort[] samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        if (width < 1 || height < 1 || samples.LongLength != (long)width * height)
            throw new ArgumentException($"An image of {width} x {height} pixels has {(long)width * height} samples; {samples.LongLength} were given.");
        return new DecodedImage(width, height, SampleLayout.Gray16, [], samples);
    }

    /// <summary>An image that is RGB already.</summary>
    public static DecodedImage FromRgb(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var decoded = Rent(image.Width, image.Height, SampleLayout.Rgb);
        var samples = decoded.Writable;
        for (int i = 0, j = 0; j < samples.Length; i += 3, j += 4)
        {
            samples[j] = image.Pixels[i];
            samples[j + 1] = image.Pixels[i + 1];
            samples[j + 2] = image.Pixels[i + 2];
            samples[j + 3] = 255;
        }
        return decoded;
    }

    /// <summary>An image that is RGB already.</summary>
    public static implicit operator DecodedImage(RgbImage image) => FromRgb(image);

    /// <summary>Decodes a file with the default decoder.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not an image that can be read; the message says why.</exception>
    public static DecodedImage Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no image file at {path}.", path);
        return SkiaImageDecoder.Shared.Decode(File.ReadAllBytes(path), path);
    }

    /// <summary>Converts to RGB: alpha is dropped, CMYK multiplied out, 16-bit gray clipped at 255.</summary>
    public RgbImage ToRgb()
    {
        var pixels = GC.AllocateUninitializedArray<byte>(3 * Width * Height);
        var samples = Samples;
        if (Layout is SampleLayout.Rgb or SampleLayout.Rgba or SampleLayout.Indexed)
        {
            for (int i = 0, j = 0; i < pixels.Length; i += 3, j += 4)
                (pixels[i], pixels[i + 1], pixels[i + 2]) = (samples[j], samples[j + 1], samples[j + 2]);
            return new RgbImage(Width, Height, pixels);
        }
        for (int i = 0, p = 0; p < Width * Height; i += 3, p++)
        {
            if (Layout == SampleLayout.Gray16)
            {
                pixels[i] = pixels[i + 1] = pixels[i + 2] = (byte)Math.Min((ushort)255, Gray16[p]);
                continue;
            }
            for (int c = 0; c < 3; c++)
                pixels[i + c] = FromCmyk(samples[4 * p + c], samples[4 * p + 3]);
        }
        return new RgbImage(Width, Height, pixels);
    }

    /// <summary>Pillow's <c>cmyk2rgb</c>: 255 − k − (255 − k) · c / 255, the product rounded as 8-bit blending does.</summary>
    private static byte FromCmyk(byte colour, byte black)
    {
        int light = 255 - black, product = light * colour + 128;
        return (byte)Math.Clamp(light - ((product + (product >> 8)) >> 8), 0, 255);
    }

    /// <summary>Gives the samples' memory to the next image.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _samples, null) is { } samples && _rented) ArrayPool<byte>.Shared.Return(samples);
    }
}
