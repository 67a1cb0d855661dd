namespace ClipNotebooks.Clip.Images;

/// <summary>
/// A model's recipe for its images: resize, centre crop, RGB, 0–1, normalise (openai/CLIP <c>_transform</c>, open_clip
/// <c>image_transform</c>), or RGB first and the rest then (transformers' <c>CLIPImageProcessor</c>). Pixels equal Pillow's bit for bit.
/// Thread-safe.
/// </summary>
/// <param name="config">What the model asks for.</param>
public sealed class ClipImageTransform(ImageTransformConfig config)
{
    /// <summary>What the model asks for.</summary>
    public ImageTransformConfig Config { get; } = Validated(config);

    /// <summary>Resizes, crops and converts to RGB, in the recipe's order.</summary>
    /// <returns>R × R pixels, RGB; where the recipe has no crop the whole image, its shorter side R pixels long.</returns>
    public RasterImage Crop(RasterImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (!Config.ConvertFirst) return Cut(image);
        var rgb = image.ToRgb();
        var crop = Cut(rgb);
        if (image.Layout is SampleLayout.Cmyk or SampleLayout.Gray16) rgb.Dispose();
        return crop;
    }

    /// <summary>Resizes, crops and normalises.</summary>
    /// <returns>(3, R, R), red, green, blue planes.</returns>
    /// <exception cref="InvalidDataException">The recipe has no crop, and the image is not square.</exception>
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
    /// <exception cref="InvalidDataException">The recipe has no crop, and the image is not square.</exception>
    public void Apply(RasterImage image, Span<float> destination)
    {
        int side = Config.Size, plane = side * side;
        if (destination.Length != 3 * plane)
        {
            throw new ArgumentException(
                $"The destination takes (3, {side}, {side}) = {3 * plane} values; it has {destination.Length}.", nameof(destination));
        }
        ArgumentNullException.ThrowIfNull(image);
        if (!Config.CenterCrop && Resized(image.Width, image.Height) is var (width, height) && width != height)
        {
            throw new InvalidDataException(
                $"The model's recipe does not crop (\"do_center_crop\" is false), so an image of {image.Width} x {image.Height} pixels " +
                $"becomes {width} x {height}, where the model takes {side} x {side}. Give it square images, or a recipe that crops.");
        }
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

    private RasterImage Cut(RasterImage image)
    {
        var (width, height) = Resized(image.Width, image.Height);
        if (!Config.CenterCrop) return Rgb(Resizer.Resize(image, (width, height), (0, 0, width, height), Config.Interpolation));
        int side = Config.Size, x = Offset(width, side), y = Offset(height, side);
        var window = (Math.Max(x, 0), Math.Max(y, 0), Math.Min(width, side), Math.Min(height, side));
        var cut = Rgb(Resizer.Resize(image, (width, height), window, Config.Interpolation));
        return cut.Width == side && cut.Height == side ? cut : Pad(cut, width, height, Fill(image));
    }

    /// <summary>The same in RGB; what it was is disposed.</summary>
    private static RasterImage Rgb(RasterImage cut)
    {
        var rgb = cut.ToRgb();
        if (cut.Layout == SampleLayout.Cmyk) cut.Dispose();
        return rgb;
    }

    /// <summary>The size after the resize: the long side is rounded down.</summary>
    private (int Width, int Height) Resized(int width, int height)
    {
        int n = Config.ResizeSize;
        if (Config.ResizeMode == ResizeMode.Squash) return (n, n);
        bool wide = width > height;
        if (Config.ResizeMode == ResizeMode.Shortest)
            return wide ? (checked((int)((long)n * width / height)), n) : (n, checked((int)((long)n * height / width)));
        // open_clip's ResizeKeepRatio: divided by the ratio, halves to even.
        double ratio = Math.Max(width, height) / (double)n;
        return (Math.Max(1, (int)Math.Round(width / ratio)), Math.Max(1, (int)Math.Round(height / ratio)));
    }

    /// <summary>(size − n) / 2: halves to even, as torchvision has it, or down, as transformers; below 0 both pad.</summary>
    private int Offset(int size, int n) =>
        Config.CropRoundsDown ? (size - n) >> 1 : (int)Math.Round((size - n) / 2.0, MidpointRounding.ToEven);

    /// <summary>Samples of 0 beside an image in its own layout: black, the palette's first colour, and in CMYK, where they are ink,
    /// white.</summary>
    private static uint Fill(RasterImage image) =>
        image.Layout switch { SampleLayout.Cmyk => uint.MaxValue, SampleLayout.Indexed => image.FirstColour, _ => 0 };

    /// <param name="part">What is there; disposed.</param>
    /// <param name="width">Its whole width after the resize.</param>
    /// <param name="height">Its whole height.</param>
    /// <param name="fill">What the rest becomes.</param>
    private RasterImage Pad(RasterImage part, int width, int height, uint fill)
    {
        using var _ = part;
        int side = Config.Size;
        // torchvision pads less on the left and above where it cannot be the same, transformers more.
        int more = Config.CropRoundsDown ? 1 : 0, left = Math.Max(side - width + more, 0) / 2, top = Math.Max(side - height + more, 0) / 2;
        var whole = RasterImage.Rent(side, side, SampleLayout.Rgb);
        whole.WritablePixels.Fill(fill);
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
