namespace ClipNotebooks.Core.Images;

/// <summary>
/// Prepares a model's images: resize, centre crop, conversion to RGB, scaling to 0–1, normalisation (openai/CLIP <c>_transform</c>,
/// open_clip <c>image_transform</c>), or conversion to RGB first (transformers' <c>CLIPImageProcessor</c>). Pixels equal Pillow's bit for
/// bit. Thread-safe.
/// </summary>
/// <param name="config">The model's recipe.</param>
public sealed class ClipImageTransform(ImageTransformConfig config)
{
    /// <summary>
    /// The longest edge after the resize: that of a JPEG's longest, 65,535 pixels, by a single pixel, at a model's 1,024. Up to the window
    /// of a crop, the nearest pixels are counted one by one.
    /// </summary>
    private const long LongestEdge = 1 << 26;

    /// <summary>
    /// The most weights of a pass. They take 28 bytes each, 117 MB in all; CLIP's filter needs as many where an edge of a million pixels
    /// shrinks.
    /// </summary>
    private const long MostWeights = 1 << 22;

    /// <summary>The model's recipe.</summary>
    public ImageTransformConfig Config { get; } = Validated(config);

    /// <summary>
    /// The shape of a prepared image: (3, R, R), or (N, 3 P² + 2) where the recipe cuts patches. A patch is its pixels by row, column and
    /// colour, then its row and column in the image's grid; unused patches have 0 as pixels, and −1 as row and column.
    /// </summary>
    public IReadOnlyList<long> Shape => Config.Patches is { } patches
        ? [patches.Most, PatchCut.Numbers(patches.Side)] : [3, Config.Size, Config.Size];

    /// <summary>The number of values in <see cref="Shape"/>.</summary>
    public int Length => (int)Shape.Aggregate(1L, (product, side) => product * side);

    /// <summary>Checks that images have <see cref="Length"/> values.</summary>
    /// <exception cref="ArgumentException">An image has another number of values.</exception>
    internal void Require(IReadOnlyList<float[]> pixels)
    {
        if (pixels.FirstOrDefault(values => values.Length != Length) is not { } other) return;
        throw new ArgumentException($"An image has {other.Length} values; ({string.Join(", ", Shape)}) = {Length} are needed, as the " +
            "processor's transform makes them.", nameof(pixels));
    }

    /// <summary>Resizes, crops and converts to RGB, in the recipe's order.</summary>
    /// <returns>
    /// R × R pixels, RGB. If the recipe has no crop: the whole image, with its shorter side R pixels long. If it cuts patches: the whole
    /// image, resized to whole patches.
    /// </returns>
    /// <exception cref="InvalidDataException">The image is too elongated: its resize would take gigabytes.</exception>
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
    /// <returns>(3, R, R), red, green, blue planes, or patches; <see cref="Shape"/> says which.</returns>
    /// <exception cref="InvalidDataException">
    /// The recipe has no crop, and the image is not square; or the image is too elongated: its resize would take gigabytes.
    /// </exception>
    public float[] Apply(RasterImage image)
    {
        var values = new float[Length];
        Apply(image, values);
        return values;
    }

    /// <summary>Resizes, crops and normalises into the caller's buffer.</summary>
    /// <param name="image">Any size.</param>
    /// <param name="destination"><see cref="Length"/> values.</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    /// <exception cref="InvalidDataException">
    /// The recipe has no crop, and the image is not square; or the image is too elongated: its resize would take gigabytes.
    /// </exception>
    public void Apply(RasterImage image, Span<float> destination)
    {
        int side = Config.Size, plane = side * side;
        if (destination.Length != Length)
        {
            throw new ArgumentException(
                $"The destination takes ({string.Join(", ", Shape)}) = {Length} values; it has {destination.Length}.", nameof(destination));
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
        if (Config.Patches is { } patches)
        {
            var grid = (crop.Height / patches.Side, crop.Width / patches.Side);
            PatchCut.Fill(samples, grid, patches.Side, [Table(0), Table(1), Table(2)], destination);
            return;
        }
        for (int channel = 0; channel < 3; channel++)
        {
            var table = Table(channel);
            var target = destination.Slice(channel * plane, plane);
            for (int i = 0, j = channel; i < target.Length; i++, j += 4) target[i] = table[samples[j]];
        }
    }

    /// <summary>The normalised value of each of a colour's 256 samples.</summary>
    private float[] Table(int channel) =>
        [.. Enumerable.Range(0, 256).Select(v => (v / 255f - Config.Mean[channel]) / Config.Std[channel])];

    private RasterImage Cut(RasterImage image)
    {
        var (width, height) = Resized(image.Width, image.Height);
        if (!Config.CenterCrop || Config.Patches is not null)
        {
            RequireProportions(image, (width, height), (width, height));
            return Rgb(Resizer.Resize(image, (width, height), (0, 0, width, height), Config.Interpolation));
        }
        int side = Config.Size, x = Offset(width, side), y = Offset(height, side);
        var window = (X: Math.Max(x, 0), Y: Math.Max(y, 0), Width: Math.Min(width, side), Height: Math.Min(height, side));
        RequireProportions(image, (width, height), (window.Width, window.Height));
        var cut = Rgb(Resizer.Resize(image, (width, height), window, Config.Interpolation));
        return cut.Width == side && cut.Height == side ? cut : Pad(cut, width, height, Fill(image));
    }

    /// <summary>Refuses an image before a resize that would take gigabytes.</summary>
    /// <param name="image">The image.</param>
    /// <param name="size">Its size after the resize.</param>
    /// <param name="part">The size of what is computed of that.</param>
    private void RequireProportions(RasterImage image, (int Width, int Height) size, (int Width, int Height) part)
    {
        bool isWeighed = image.Layout != SampleLayout.Indexed && Config.Interpolation != Interpolation.Nearest;
        long across = (long)part.Width * Taps.MostFor(image.Width, size.Width, Config.Interpolation);
        long down = (long)part.Height * Taps.MostFor(image.Height, size.Height, Config.Interpolation);
        if (4L * part.Width * part.Height > Array.MaxLength || isWeighed && Math.Max(across, down) > MostWeights)
            throw Elongated(image.Width, image.Height);
    }

    private InvalidDataException Elongated(int width, int height) => new(
        $"The image is {width:N0} x {height:N0} pixels, too elongated to become {Config.Size} x {Config.Size}: cut it into pieces.");

    /// <summary>Converts to RGB; if that makes a copy, the original is disposed.</summary>
    private static RasterImage Rgb(RasterImage cut)
    {
        var rgb = cut.ToRgb();
        if (cut.Layout == SampleLayout.Cmyk) cut.Dispose();
        return rgb;
    }

    /// <summary>The size after the resize: the long side is rounded down.</summary>
    /// <exception cref="InvalidDataException">It is too long.</exception>
    private (int Width, int Height) Resized(int width, int height)
    {
        int n = Config.ResizeSize;
        if (Config.Patches is { } patches)
        {
            var (rows, columns) = PatchCut.Grid(width, height, patches);
            return (columns * patches.Side, rows * patches.Side);
        }
        if (Config.ResizeMode == ResizeMode.Squash) return (n, n);
        bool wide = width > height;
        if (Config.ResizeMode == ResizeMode.Shortest)
        {
            long longer = (long)n * Math.Max(width, height) / Math.Min(width, height);
            if (longer > LongestEdge) throw Elongated(width, height);
            return wide ? ((int)longer, n) : (n, (int)longer);
        }
        // open_clip's ResizeKeepRatio: divides by the ratio, and rounds halves to even.
        double ratio = Math.Max(width, height) / (double)n;
        return (Math.Max(1, (int)Math.Round(width / ratio)), Math.Max(1, (int)Math.Round(height / ratio)));
    }

    /// <summary>(size − n) / 2, with halves rounded to even, as in torchvision, or down, as in transformers; below 0 both pad.</summary>
    private int Offset(int size, int n) =>
        Config.CropRoundsDown ? (size - n) >> 1 : (int)Math.Round((size - n) / 2.0, MidpointRounding.ToEven);

    /// <summary>
    /// The colour of padding, which is samples of 0 in the image's own layout: black, the palette's first colour, or in CMYK, where samples
    /// are ink, white.
    /// </summary>
    private static uint Fill(RasterImage image) =>
        image.Layout switch { SampleLayout.Cmyk => uint.MaxValue, SampleLayout.Indexed => image.FirstColour, _ => 0 };

    /// <param name="part">The resized image, or what of it lies in the window; disposed.</param>
    /// <param name="width">The image's whole width after the resize.</param>
    /// <param name="height">The image's whole height after the resize.</param>
    /// <param name="fill">The colour of the rest.</param>
    private RasterImage Pad(RasterImage part, int width, int height, uint fill)
    {
        using var _ = part;
        int side = Config.Size;
        // Where the padding is odd, torchvision pads less on the left and top, transformers more.
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
