using System.Globalization;
using System.Text;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Plotting;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// Small pictures in rows and columns, each over its caption: patches of an image, filters, maps, maps laid over an image. A terminal gets
/// them as shades of gray.
/// </summary>
public sealed class PictureGrid : View
{
    private const int PageWidth = 640, TextWidth = 48;

    /// <summary>The opacity of an overlay where its value is largest.</summary>
    private const double Cover = 0.7;

    private readonly string _title;
    private readonly IReadOnlyList<RasterImage> _pictures;
    private readonly IReadOnlyList<string> _captions;
    private readonly int _columns, _side;
    private readonly Func<int, double[][]> _shades;

    /// <summary>Pictures row by row.</summary>
    /// <param name="pictures">At least one; shown square.</param>
    /// <param name="captions">One each, or none at all.</param>
    /// <param name="columns">How many stand in a row, at least 1.</param>
    /// <param name="title">What is shown.</param>
    /// <exception cref="ArgumentException">There is no picture, or there are captions, but not one each.</exception>
    public PictureGrid(IReadOnlyList<RasterImage> pictures, IReadOnlyList<string> captions, int columns, string title) : this(
        pictures, captions, columns, title, null)
    {
    }

    private PictureGrid(
        IReadOnlyList<RasterImage> pictures, IReadOnlyList<string> captions, int columns, string title, Func<int, double[][]>? shades)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        ArgumentNullException.ThrowIfNull(captions);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        if (pictures.Count == 0) throw new ArgumentException($"\"{title}\" has no picture to show.", nameof(pictures));
        if (captions.Count > 0 && captions.Count != pictures.Count) throw new ArgumentException(
            $"\"{title}\" has {pictures.Count} pictures and {captions.Count} captions; it needs as many of both, or no captions.",
            nameof(captions));
        (_title, _pictures, _captions, _columns) = (title ?? "", [.. pictures], [.. captions], columns);
        _side = Math.Clamp((PageWidth / columns) - 8, 16, 120);
        _shades = shades ?? (i => Luminances(_pictures[i]));
    }

    /// <summary>What the colours mean, below the grid.</summary>
    private string Legend { get; init; } = "";

    /// <summary>The same in HTML.</summary>
    private string LegendHtml { get; init; } = "";

    /// <summary>
    /// An image cut into square patches, drawn a little apart; pixels at the right and bottom that do not fill a patch are left out.
    /// </summary>
    /// <param name="image">The image, at least one patch wide and high.</param>
    /// <param name="patch">P, the side of a patch in pixels.</param>
    /// <param name="title">What is shown.</param>
    /// <exception cref="ArgumentException">The image is smaller than a patch.</exception>
    public static PictureGrid Patches(RasterImage image, int patch, string title)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(patch, 1);
        var (across, down) = (image.Width / patch, image.Height / patch);
        if (across * down == 0) throw new ArgumentException($"\"{title}\": an image of {image.Width} × {image.Height} pixels has no " +
            $"patch of {patch} × {patch}.", nameof(image));
        byte[] rgb = image.ToRgbBytes();
        return new([.. Enumerable.Range(0, across * down).Select(i => Picture(patch, patch, (y, x) =>
        {
            int at = 3 * ((((i / across * patch) + y) * image.Width) + (i % across * patch) + x);
            return (rgb[at], rgb[at + 1], rgb[at + 2]);
        }))], [], across, title);
    }

    /// <summary>Images from a tensor.</summary>
    /// <param name="images">
    /// (M, 3, h, w), red, green and blue from 0 to 1 (values beyond are cut off), any floating dtype, on any device; copied.
    /// </param>
    /// <param name="captions">M, or none.</param>
    /// <param name="columns">How many stand in a row, at least 1.</param>
    /// <param name="title">What is shown.</param>
    /// <exception cref="ArgumentException">The tensor has another shape or no values, or there are captions, but not one each.</exception>
    public static PictureGrid Images(Tensor images, IReadOnlyList<string> captions, int columns, string title) =>
        new([.. Planes(images, title).Select(image => Picture(image, level => level))], captions, columns, title);

    /// <summary>
    /// Matrices as heat maps of one colour scale: values of one sign rise from violet to yellow; where both signs occur 0 is white,
    /// negative values blue and positive ones red. What is not finite is gray.
    /// </summary>
    /// <param name="maps">(M, h, w), any numeric dtype, on any device; copied.</param>
    /// <param name="captions">M, or none.</param>
    /// <param name="columns">How many stand in a row, at least 1.</param>
    /// <param name="title">What is shown.</param>
    /// <exception cref="ArgumentException">The tensor has another shape or no values, or there are captions, but not one each.</exception>
    public static PictureGrid Maps(Tensor maps, IReadOnlyList<string> captions, int columns, string title)
    {
        double[][][] values = Copy(maps, title);
        var colors = ColorScale.Of(values.SelectMany(map => map.SelectMany(row => row)));
        var pictures = values.Select(map => Picture(map.Length, map[0].Length, (y, x) =>
            (colors[map[y][x]].Red, colors[map[y][x]].Green, colors[map[y][x]].Blue)));
        var (low, high) = (Markup.Number(colors.Low), Markup.Number(colors.High));
        return new([.. pictures], captions, columns, title, i => Scaled(values[i], colors.Low, colors.High))
        {
            Legend = Lesson.In($"from {low} to {high}", $"{low}부터 {high}까지"),
            LegendHtml = $"{low} <span " +
                $"style=\"display:inline-block;vertical-align:middle;width:10em;max-width:50%;height:0.9em;background:linear-gradient(to " +
                $"right,{string.Join(',', colors.Colors)})\"></span> {high}",
        };
    }

    /// <summary>
    /// Filters over red, green and blue as pictures: a weight of 0 is middle gray, and each filter's weight of largest magnitude is as
    /// bright, or as dark, as possible.
    /// </summary>
    /// <param name="filters">(M, 3, h, w), any floating dtype, on any device; copied.</param>
    /// <param name="captions">M, or none.</param>
    /// <param name="columns">How many stand in a row, at least 1.</param>
    /// <param name="title">What is shown.</param>
    /// <exception cref="ArgumentException">The tensor has another shape or no values, or there are captions, but not one each.</exception>
    public static PictureGrid Filters(Tensor filters, IReadOnlyList<string> captions, int columns, string title) =>
        new([.. Planes(filters, title).Select(filter =>
    {
        double largest = Math.Max(1e-12, filter.Max(plane => plane.Max(row => row.Max(Math.Abs))));
        return Picture(filter, weight => 0.5 + (0.5 * weight / largest));
    })], captions, columns, title);

    /// <summary>
    /// Maps laid over images. The image is gray, uncovered where a map is smallest, and the more coloured the larger the map is, up to
    /// yellow, through which the image can still be seen.
    /// </summary>
    /// <param name="images">One for all maps, or one each.</param>
    /// <param name="maps">(M, h, w), any numeric dtype, on any device; copied. A map is stretched over its whole image.</param>
    /// <param name="captions">M, or none.</param>
    /// <param name="columns">How many stand in a row, at least 1.</param>
    /// <param name="title">What is shown.</param>
    /// <exception cref="ArgumentException">
    /// The tensor has another shape or no values, or there are several images or some captions, but not one each.
    /// </exception>
    public static PictureGrid Overlays(
        IReadOnlyList<RasterImage> images, Tensor maps, IReadOnlyList<string> captions, int columns, string title)
    {
        ArgumentNullException.ThrowIfNull(images);
        double[][][] values = Copy(maps, title);
        if (images.Count != 1 && images.Count != values.Length) throw new ArgumentException(
            $"\"{title}\" has {values.Length} maps and {images.Count} images; it needs one image for all, or one each.", nameof(images));
        ColorScale[] colors = [.. values.Select(map => ColorScale.Sequential(map.SelectMany(row => row)))];
        return new([.. values.Select((map, i) => Overlay(images[images.Count == 1 ? 0 : i], map, colors[i]))], captions, columns, title,
            i => Scaled(values[i], colors[i].Low, colors[i].High))
        {
            Legend = Lesson.In("each picture from its smallest value (bare) to its largest (bright)",
                "그림마다 가장 작은 값(덮지 않음)부터 가장 큰 값(밝음)까지"),
            LegendHtml = Lesson.In("each picture: its smallest value ", "그림마다: 가장 작은 값 ")
                + "<span style=\"display:inline-block;vertical-align:middle;width:8em;max-width:40%;height:0.9em;"
                + $"background:linear-gradient(to right,{string.Join(',', Veil())})\"></span> {Lesson.In("its largest", "가장 큰 값")}",
        };
    }

    /// <inheritdoc/>
    public override string ToHtml()
    {
        var html = new StringBuilder($"<figure style=\"margin:0\"><figcaption " +
            $"style=\"font-weight:600;margin-bottom:0.4em\">{Markup.Escape(_title)}</figcaption>");
        // To a screen reader, pictures without captions are one image.
        string role = _captions.Count > 0 ? "" : $" role=\"img\" aria-label=\"{Markup.Escape(Description)}\"";
        // On a narrow screen pictures without captions shrink; captions have to stay legible, so their grid scrolls.
        html.Append(CultureInfo.InvariantCulture, $"<div style=\"overflow-x:auto\"{role}><div " +
            $"style=\"display:grid;grid-template-columns:repeat({_columns},minmax(" +
                $"{(_captions.Count > 0 ? Math.Min(_side, 64) : 0)}px,{_side}px));" +
                $"gap:{(_captions.Count > 0 ? 8 : 3)}px\">");
        for (int i = 0; i < _pictures.Count; i++)
        {
            var picture = _pictures[i];
            // If a picture has few pixels, each is shown as a square.
            string rendering = 2 * picture.Width <= _side ? "image-rendering:pixelated" : "image-rendering:auto";
            string caption = _captions.Count > 0 ? Markup.Escape(_captions[i]) : "";
            html.Append(CultureInfo.InvariantCulture, $"<div><img src=\"{Pictures.Shown(picture, 2 * _side)}\" alt=\"{caption}\" ")
                .Append(CultureInfo.InvariantCulture, $"width=\"{_side}\" height=\"{_side}\" ")
                .Append($"style=\"display:block;width:100%;max-width:none;height:auto;aspect-ratio:1;margin:0;{rendering}\">");
            if (caption.Length > 0) html.Append($"<div aria-hidden=\"true\" " +
                $"style=\"font-size:0.72em;line-height:1.3;overflow-wrap:anywhere\">{caption}</div>");
            html.Append("</div>");
        }
        html.Append("</div></div>");
        if (LegendHtml.Length > 0) html.Append($"<div style=\"font-size:0.85em;margin-top:0.4em\">{LegendHtml}</div>");
        return html.Append("</figure>").ToString();
    }

    /// <inheritdoc/>
    public override string ToText()
    {
        int size = Math.Clamp(TextWidth / Math.Min(_columns, _pictures.Count), 1, 8);
        List<string> lines = [_title + (Legend.Length > 0 ? $" ({Legend})" : "")];
        foreach (int[] row in Enumerable.Range(0, _pictures.Count).Chunk(_columns))
        {
            double[][][] shades = [.. row.Select(i => Reduced(_shades(i), size))];
            for (int y = 0; y < shades.Max(map => map.Length); y++)
                lines.Add(string.Join(' ', shades.Select(map => y < map.Length ? string.Concat(map[y].Select(Shade))
                    : new string(' ', map[0].Length))));
            lines.Add(_captions.Count > 0 ? string.Join(" | ", row.Select(i => _captions[i])) : "");
        }
        return string.Join(Environment.NewLine, lines).TrimEnd();
    }

    private string Description => Lesson.In(
        $"{_title}: {_pictures.Count} pictures, {_columns} in a row", $"{_title}: 그림 {_pictures.Count}개, 한 줄에 {_columns}개")
        + (Legend.Length > 0 ? $"; {Legend}." : ".");

    /// <summary>The colours of an overlay's legend, more and more opaque, as in <see cref="Overlay"/>.</summary>
    private static IEnumerable<string> Veil()
    {
        string[] colors = ColorScale.Sequential([0, 1]).Colors;
        return colors.Select((color, i) => $"{color}{(int)(255 * Cover * i / (colors.Length - 1)):x2}");
    }

    private static RasterImage Overlay(RasterImage image, double[][] map, ColorScale colors)
    {
        var (height, width) = (map.Length, map[0].Length);
        byte[] rgb = image.ToRgbBytes();
        return Picture(image.Height, image.Width, (y, x) =>
        {
            double value = map[y * height / image.Height][x * width / image.Width];
            var color = colors[value];
            // Where the map is small, the image is uncovered; where it is large, the colour stands out and the image can still be seen
            // under it.
            double gray = 255 * Luminance(rgb, (y * image.Width) + x),
                cover = Cover * Math.Clamp((value - colors.Low) / (colors.High - colors.Low), 0, 1);
            byte Mix(byte sample) => (byte)Math.Round(((1 - cover) * gray) + (cover * sample));
            return (Mix(color.Red), Mix(color.Green), Mix(color.Blue));
        });
    }

    private static RasterImage Picture(int height, int width, Func<int, int, (byte Red, byte Green, byte Blue)> color)
    {
        var pixels = new byte[3 * height * width];
        for (int i = 0; i < height * width; i++) (pixels[3 * i], pixels[(3 * i) + 1], pixels[(3 * i) + 2]) = color(i / width, i % width);
        return RasterImage.FromRgb(width, height, pixels);
    }

    /// <summary>A picture from its red, green and blue planes; <paramref name="level"/> gives the brightness, 0 to 1, of a value.</summary>
    private static RasterImage Picture(double[][][] planes, Func<double, double> level)
    {
        byte Sample(double value) => (byte)Math.Round(255 * Math.Clamp(level(value), 0, 1));
        return Picture(planes[0].Length, planes[0][0].Length, (y, x) =>
            (Sample(planes[0][y][x]), Sample(planes[1][y][x]), Sample(planes[2][y][x])));
    }

    private static IEnumerable<double[][][]> Planes(Tensor images, string title)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.dim() != 4 || images.shape[1] != 3) throw new ArgumentException(
            $"\"{title}\" needs pictures of three colours, (M, 3, h, w); the tensor's shape is ({string.Join(", ", images.shape)}).",
            nameof(images));
        using var scope = NewDisposeScope();
        return Copy(images.flatten(0, 1), title).Chunk(3);
    }

    private static double[][][] Copy(Tensor maps, string title)
    {
        ArgumentNullException.ThrowIfNull(maps);
        if (maps.dim() != 3 || maps.numel() == 0) throw new ArgumentException(
            $"\"{title}\" needs values, (M, h, w); the tensor's shape is ({string.Join(", ", maps.shape)}).", nameof(maps));
        using var scope = NewDisposeScope();
        double[] values = maps.detach().cpu().to(float64).contiguous().data<double>().ToArray();
        return [.. values.Chunk((int)maps.shape[2]).Chunk((int)maps.shape[1])];
    }

    private static double[][] Luminances(RasterImage image)
    {
        byte[] rgb = image.ToRgbBytes();
        return [.. Enumerable.Range(0, image.Height).Select(
            y => Enumerable.Range(0, image.Width).Select(x => Luminance(rgb, (y * image.Width) + x)).ToArray())];
    }

    private static double Luminance(byte[] rgb, int pixel) =>
        ((0.299 * rgb[3 * pixel]) + (0.587 * rgb[(3 * pixel) + 1]) + (0.114 * rgb[(3 * pixel) + 2])) / 255;

    private static double[][] Scaled(double[][] map, double low, double high) =>
        [.. map.Select(row => row.Select(value => (value - low) / (high - low)).ToArray())];

    /// <summary>At most <paramref name="size"/> rows and columns, each the mean of those it stands for.</summary>
    private static double[][] Reduced(double[][] map, int size)
    {
        var (rows, columns) = (Math.Min(size, map.Length), Math.Min(size, map[0].Length));
        return [.. Enumerable.Range(0, rows).Select(y => Enumerable.Range(0, columns).Select(x =>
            map[(y * map.Length / rows)..((y + 1) * map.Length / rows)]
                .SelectMany(row => row[(x * row.Length / columns)..((x + 1) * row.Length / columns)]).Average()).ToArray())];
    }

    private static char Shade(double value) => double.IsFinite(value) ? " ░▒▓█"[(int)Math.Clamp(value * 5, 0, 4)] : '×';
}
