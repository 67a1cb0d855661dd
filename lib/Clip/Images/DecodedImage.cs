namespace ClipNotebooks.Clip.Images;

/// <summary>
/// An image as its file holds it: CLIP's pipeline resizes before it converts to RGB, so the layout matters until then. Four bytes a pixel, rows from
/// the top; 16-bit gray in <see cref="Gray16"/> instead.
/// </summary>
public sealed class DecodedImage
{
    private DecodedImage(int width, int height, SampleLayout layout, byte[] samples, ushort[] gray16) =>
        (Width, Height, Layout, Samples, Gray16) = (width, height, layout, samples, gray16);

    /// <summary>W.</summary>
    public int Width { get; }

    /// <summary>H.</summary>
    public int Height { get; }

    /// <summary>What the samples mean.</summary>
    public SampleLayout Layout { get; }

    /// <summary>4 · W · H bytes; empty for 16-bit gray.</summary>
    public byte[] Samples { get; }

    /// <summary>W · H samples of 16-bit gray; empty otherwise.</summary>
    public ushort[] Gray16 { get; }

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
        var samples = new byte[4 * image.Width * image.Height];
        for (int i = 0, j = 0; j < samples.Length; i += 3, j += 4)
        {
            samples[j] = image.Pixels[i];
            samples[j + 1] = image.Pixels[i + 1];
            samples[j + 2] = image.Pixels[i + 2];
        }
        return new DecodedImage(image.Width, image.Height, SampleLayout.Rgb, samples, []);
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
        if (Layout is SampleLayout.Rgb or SampleLayout.Rgba or SampleLayout.Indexed)
        {
            for (int i = 0, j = 0; i < pixels.Length; i += 3, j += 4)
                (pixels[i], pixels[i + 1], pixels[i + 2]) = (Samples[j], Samples[j + 1], Samples[j + 2]);
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
                pixels[i + c] = FromCmyk(Samples[4 * p + c], Samples[4 * p + 3]);
        }
        return new RgbImage(Width, Height, pixels);
    }

    /// <summary>Pillow's <c>cmyk2rgb</c>: 255 − k − (255 − k) · c / 255, the product rounded as 8-bit blending does.</summary>
    private static byte FromCmyk(byte colour, byte black)
    {
        int light = 255 - black, product = light * colour + 128;
        return (byte)Math.Clamp(light - ((product + (product >> 8)) >> 8), 0, 255);
    }
}
