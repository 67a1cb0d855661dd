namespace ClipNotebooks.Clip.Images;

/// <summary>
/// CLIP's image transform (openai/CLIP <c>_transform</c>): resize, centre crop, RGB, 0–1, normalise. Pixels equal Pillow's bit for bit.
/// Thread-safe.
/// </summary>
/// <param name="config">What the model asks for.</param>
public sealed class ClipImageTransform(ImageTransformConfig config)
{
    /// <summary>What the model asks for.</summary>
    public ImageTransformConfig Config { get; } = Validated(config);

    /// <summary>Resizes, crops and converts to RGB.</summary>
    /// <returns>R × R pixels, RGB.</returns>
    public RasterImage Crop(RasterImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        int side = Config.Size;
        var (width, height) = Resized(image.Width, image.Height);
        var (x, y) = (Offset(width, side), Offset(height, side));
        var cut = Resizer.Resize(
            image, (width, height), (Math.Max(x, 0), Math.Max(y, 0), Math.Min(width, side), Math.Min(height, side)), Config.Interpolation);
        var rgb = cut.ToRgb();
        if (cut.Layout is SampleLayout.Cmyk) cut.Dispose();
        byte fill = image.Layout == SampleLayout.Cmyk ? byte.MaxValue : byte.MinValue;
        if (cut.Width == side && cut.Height == side) return rgb;
        return Pad(rgb, Math.Max(side - width, 0) / 2, Math.Max(side - height, 0) / 2, fill);
    }

    /// <summary>Resizes, crops and normalises.</summary>
    /// <returns>(3, R, R), red, green, blue planes.</returns>
    public float[] Apply(RasterImage image)
    {
        var values = new float[3 * Config.Size * Config.Size];
        Apply(image, values);
        return values;
    }

    /// <summary>The same into a place of the caller's.</summary>
    /// <param name="image">Any size.</param>
    /// <param name="destination">3 · R · R values.</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void Apply(RasterImage image, Span<float> destination)
    {
        int plane = Config.Size * Config.Size;
        if (destination.Length != 3 * plane)
            throw new ArgumentException($"The destination takes (3, {Config.Size}, {Config.Size}) = {3 * plane} values; it has {destination.Length}.", nameof(destination));
        using var crop = Crop(image);
        var samples = crop.Samples;
        Span<float> table = stackalloc float[256];
        for (int channel = 0; channel < 3; channel++)
        {
            for (int v = 0; v < 256; v++) table[v] = (v / 255f - Config.Mean[channel]) / Config.Std[channel];
            var target = destination.Slice(channel * plane, plane);
            for (int i = 0, j = channel; i < target.Length; i++, j += 4) target[i] = table[samples[j]];
        }
    }

    /// <summary>The size after the resize: the long side is rounded down.</summary>
    private (int Width, int Height) Resized(int width, int height)
    {
        int n = Config.ResizeSize;
        if (Config.ResizeMode == ResizeMode.Squash) return (n, n);
        bool wide = width > height;
        if (Config.ResizeMode == ResizeMode.Shortest)
            return wide ? ((int)((long)n * width / height), n) : (n, (int)((long)n * height / width));
        // open_clip's ResizeKeepRatio: divided by the ratio, halves to even.
        double ratio = Math.Max(width, height) / (double)n;
        return (Math.Max(1, (int)Math.Round(width / ratio)), Math.Max(1, (int)Math.Round(height / ratio)));
    }

    /// <summary>(size − n) / 2, halves to even.</summary>
    private static int Offset(int size, int n) => (int)Math.Round((size - n) / 2.0, MidpointRounding.ToEven);

    /// <param name="part">What is there; disposed.</param>
    /// <param name="left">How far from the left it lies.</param>
    /// <param name="top">How far from above.</param>
    /// <param name="fill">What the rest becomes: samples of 0, which are black, and in CMYK, where they are ink, white.</param>
    private RasterImage Pad(RasterImage part, int left, int top, byte fill)
    {
        using var _ = part;
        int side = Config.Size;
        var whole = RasterImage.Rent(side, side, SampleLayout.Rgb);
        whole.Writable.Fill(fill);
        for (int y = 0; y < part.Height; y++)
            part.Samples.Slice(4 * y * part.Width, 4 * part.Width).CopyTo(whole.Writable[(4 * ((top + y) * side + left))..]);
        return whole;
    }

    private static ImageTransformConfig Validated(ImageTransformConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        return config;
    }
}
