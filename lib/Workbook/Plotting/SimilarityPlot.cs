using ClipNotebooks.Clip.Images;
using SkiaSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Plotting;

/// <summary>
/// A similarity matrix as files: an interactive page (Plotly, offline) and a PNG drawn without a browser. Images stand along the top, captions down the side; where there are as many
/// images as captions the diagonal is framed.
/// </summary>
public sealed class SimilarityPlot
{
    private const int Cell = 76, Row = 52, Left = 250, Top = 132, Margin = 20;

    private readonly double[][] _values;
    private readonly IReadOnlyList<RgbImage> _images;
    private readonly IReadOnlyList<string> _names;
    private readonly IReadOnlyList<string> _captions;
    private readonly string _title;
    private readonly string _unit;

    /// <summary>Copies the values; the tensor stays the caller's.</summary>
    /// <param name="perImage">(N, M): rows are images, columns captions.</param>
    /// <param name="images">N images.</param>
    /// <param name="names">N names of the images, for hover texts.</param>
    /// <param name="captions">M captions.</param>
    /// <param name="title">What is shown.</param>
    /// <param name="unit">What the values are.</param>
    /// <exception cref="ArgumentException">The numbers of images, names and captions are not those of the matrix, or there is none.</exception>
    public SimilarityPlot(Tensor perImage, IReadOnlyList<RgbImage> images, IReadOnlyList<string> names, IReadOnlyList<string> captions, string title = "Which caption fits which image?", string unit = "cosine similarity")
    {
        ArgumentNullException.ThrowIfNull(perImage);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(captions);
        if (images.Count == 0 || captions.Count == 0 || images.Count != names.Count || perImage.dim() != 2 || perImage.shape[0] != images.Count || perImage.shape[1] != captions.Count)
            throw new ArgumentException($"{images.Count} images ({names.Count} names) and {captions.Count} captions need a matrix of ({images.Count}, {captions.Count}), at least (1, 1); this one is ({string.Join(", ", perImage.shape)}).");
        (_images, _names, _captions, _title, _unit) = (images, names, captions, title, unit);
        using var scope = NewDisposeScope();
        var flat = perImage.detach().cpu().to(float64).t().contiguous().data<double>().ToArray();
        _values = [.. flat.Chunk(images.Count)];
    }

    /// <summary>The plot in words, for a screen reader and a terminal.</summary>
    public string Description
    {
        get
        {
            var best = Enumerable.Range(0, _images.Count).Select(i => $"{_names[i]}: \"{_captions[Enumerable.Range(0, _captions.Count).MaxBy(c => _values[c][i])]}\"");
            return $"{_title} {_unit} of {_images.Count} images and {_captions.Count} captions. The best caption of each image: {string.Join("; ", best)}.";
        }
    }

    /// <summary>Writes a page that needs nothing from outside; beside its place first, then renamed.</summary>
    public void SaveHtml(string path)
    {
        string[] thumbnails = [.. _images.Select(image => "data:image/png;base64," + Convert.ToBase64String(Thumbnail(image, 96).ToPng()))];
        string figure = Plotly.SimilarityFigure(_values, thumbnails, [.. _names], [.. _captions], _title, _unit);
        Write(path, System.Text.Encoding.UTF8.GetBytes(Plotly.SimilarityPage(figure, _title, Description)));
    }

    /// <summary>Writes a PNG at twice the resolution of its layout; beside its place first, then renamed.</summary>
    public void SavePng(string path)
    {
        int width = Left + Cell * _images.Count + Margin, height = Top + Row * _captions.Count + Margin;
        using var bitmap = new SKBitmap(new SKImageInfo(2 * width, 2 * height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        canvas.Scale(2);
        using var title = new SKFont(Fonts.SemiBold, 17) { Subpixel = true };
        using var label = new SKFont(Fonts.Regular, 13) { Subpixel = true };
        using var number = new SKFont(Fonts.SemiBold, 13) { Subpixel = true };
        using var ink = new SKPaint { Color = new SKColor(0x22, 0x22, 0x22), IsAntialias = true };
        canvas.DrawText(_title, Margin, 30, SKTextAlign.Left, title, ink);

        double low = _values.Min(row => row.Min()), span = Math.Max(1e-9, _values.Max(row => row.Max()) - low);
        for (int i = 0; i < _images.Count; i++)
        {
            using var thumbnail = Bitmap(Thumbnail(_images[i], 136));
            canvas.DrawBitmap(thumbnail, SKRect.Create(Left + Cell * i + 4, Top - 74, 68, 68), new SKSamplingOptions(SKFilterMode.Linear), null);
        }
        for (int c = 0; c < _captions.Count; c++)
        {
            float y = Top + Row * c;
            var lines = Lines(_captions[c], label, Left - Margin - 14);
            for (int k = 0; k < lines.Count; k++)
                canvas.DrawText(lines[k], Left - 12, y + Row / 2f + 5 + 16 * (k - (lines.Count - 1) / 2f), SKTextAlign.Right, label, ink);
            for (int i = 0; i < _images.Count; i++)
                DrawCell(canvas, SKRect.Create(Left + Cell * i + 1.5f, y + 1.5f, Cell - 3, Row - 3), _values[c][i], (_values[c][i] - low) / span, number, i == c && _images.Count == _captions.Count);
        }
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        Write(path, data.ToArray());
    }

    private static void DrawCell(SKCanvas canvas, SKRect cell, double value, double share, SKFont font, bool framed)
    {
        var color = Viridis(share);
        using var fill = new SKPaint { Color = color, IsAntialias = true };
        canvas.DrawRoundRect(cell, 4, 4, fill);
        if (framed)
        {
            using var frame = new SKPaint { Color = new SKColor(0xe4, 0x57, 0x2e), IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeWidth = 2.5f };
            canvas.DrawRoundRect(SKRect.Inflate(cell, -1, -1), 4, 4, frame);
        }
        double luminance = 0.2126 * color.Red + 0.7152 * color.Green + 0.0722 * color.Blue;
        using var ink = new SKPaint { Color = luminance > 120 ? new SKColor(0x14, 0x14, 0x14) : SKColors.White, IsAntialias = true };
        canvas.DrawText(FormattableString.Invariant($"{value:0.00}"), cell.MidX, cell.MidY + 5, SKTextAlign.Center, font, ink);
    }

    /// <summary>Ten stops of matplotlib's viridis.</summary>
    private static SKColor Viridis(double share)
    {
        uint[] stops = [0x440154, 0x482878, 0x3e4a89, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6dcd59, 0xb4de2c, 0xfde725];
        double at = Math.Clamp(share, 0, 1) * (stops.Length - 1);
        int i = Math.Min((int)at, stops.Length - 2);
        byte Mix(int shift) => (byte)Math.Round(((stops[i] >> shift) & 255) * (1 - (at - i)) + ((stops[i + 1] >> shift) & 255) * (at - i));
        return new SKColor(Mix(16), Mix(8), Mix(0));
    }

    private static List<string> Lines(string caption, SKFont font, float width)
    {
        var lines = new List<string> { "" };
        foreach (string word in caption.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string longer = lines[^1].Length > 0 ? $"{lines[^1]} {word}" : word;
            if (lines[^1].Length > 0 && font.MeasureText(longer) > width) lines.Add(word);
            else lines[^1] = longer;
        }
        if (lines.Count > 3) lines = [.. lines[..2], lines[2] + " …"];
        for (int i = 0; i < lines.Count; i++)
            while (lines[i].Length > 2 && font.MeasureText(lines[i]) > width) lines[i] = lines[i][..^2] + "…";
        return lines;
    }

    private static RgbImage Thumbnail(RgbImage image, int side) =>
        new ClipImageTransform(new ImageTransformConfig { ResizeSize = side, Size = side }).Crop(image);

    private static SKBitmap Bitmap(RgbImage image) => SKBitmap.Decode(image.ToPng());

    private static void Write(string path, byte[] content)
    {
        string beside = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            File.WriteAllBytes(beside, content);
            File.Move(beside, path, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }
}
