using System.Globalization;
using ClipNotebooks.Core.Images;
using SkiaSharp;

namespace ClipNotebooks.Workbook.Plotting;

/// <summary>
/// A matrix drawn without a browser, at twice the resolution of its layout: images or names down the side, names along the top, values in
/// the cells.
/// </summary>
internal sealed class MatrixPicture
{
    private const float Margin = 28, Gap = 4, Thumbnail = 76, TitleSize = 21, LabelSize = 13, LineHeight = 17;
    private const int Scale = 2, MostLines = 6;

    private readonly bool _written;
    private readonly float _cellWidth, _cellHeight, _left, _top, _slant;

    public MatrixPicture(double[][] values, IReadOnlyList<string> rows, IReadOnlyList<string> columns, string title, ColorScale colors)
    {
        (Values, Rows, Columns, Title, Colors) = (values, rows, columns, title, colors);
        _written = columns.Count <= 16;
        _cellWidth = columns.Count <= 10 ? 92 : _written ? 64 : columns.Count <= 40 ? 30 : 16;
        using var label = new SKFont(Fonts.Regular, LabelSize);
        bool wrapped = columns.Count <= 10;
        _slant = wrapped ? 0 : Math.Min(180, columns.Max(name => label.MeasureText(name))) * 0.71f;
        _cellHeight = _written ? 46 : Math.Max(_cellWidth, 16);
        _left = Margin + Math.Min(190, rows.Max(name => label.MeasureText(name))) + 12;
        _top = Margin + (title.Length > 0 ? TitleSize + 22 : 0) +
            (wrapped ? (LineHeight * columns.Max(column => Lines(column, label, _cellWidth - 6, MostLines).Count)) + 8 : _slant + 14);
    }

    public double[][] Values { get; }

    public IReadOnlyList<string> Rows { get; }

    public IReadOnlyList<string> Columns { get; }

    public string Title { get; }

    public ColorScale Colors { get; }

    /// <summary>An image for each row in place of its name; empty to show names.</summary>
    public IReadOnlyList<RasterImage> Images { get; init; } = [];

    /// <summary>Whether to frame the cells of the main diagonal.</summary>
    public bool Diagonal { get; init; }

    public byte[] ToPng()
    {
        float cellHeight = Images.Count > 0 ? Thumbnail + Gap : _cellHeight, left = Images.Count > 0 ? Margin + Thumbnail + 12 : _left;
        using var title = new SKFont(Fonts.For(Title, Fonts.SemiBold), TitleSize) { Subpixel = true };
        int width = (int)Math.Ceiling(Math.Max(left + (_cellWidth * Columns.Count) + Math.Max(Margin, _slant),
            title.MeasureText(Title) + (2 * Margin)));
        int height = (int)Math.Ceiling(_top + (cellHeight * Rows.Count) + Margin);
        using var bitmap = new SKBitmap(new SKImageInfo(Scale * width, Scale * height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        canvas.Scale(Scale);
        using var ink = new SKPaint { Color = new SKColor(0x1d, 0x23, 0x29), IsAntialias = true };
        canvas.DrawText(Title, Margin, Margin + TitleSize - 3, SKTextAlign.Left, title, ink);
        for (int j = 0; j < Columns.Count; j++) DrawColumnName(canvas, Columns[j], left + (_cellWidth * (j + 0.5f)), ink);
        for (int i = 0; i < Rows.Count; i++)
        {
            float y = _top + (cellHeight * i);
            if (Images.Count > 0) DrawImage(canvas, Images[i], SKRect.Create(Margin, y + (Gap / 2), Thumbnail, Thumbnail));
            else DrawRowName(canvas, Rows[i], left - 12, y + (cellHeight / 2), ink);
            for (int j = 0; j < Columns.Count; j++)
                DrawCell(canvas, SKRect.Create(left + (_cellWidth * j), y, _cellWidth, cellHeight), Values[i][j], Diagonal && i == j,
                    ink.Color);
        }
        canvas.Flush();
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private void DrawColumnName(SKCanvas canvas, string name, float center, SKPaint ink)
    {
        using var font = new SKFont(Fonts.For(name, Fonts.Regular), LabelSize) { Subpixel = true };
        if (_slant > 0)
        {
            canvas.Save();
            canvas.Translate(center, _top - 8);
            canvas.RotateDegrees(-45);
            canvas.DrawText(Lines(name, font, 180, 1)[0], 0, LabelSize / 3, SKTextAlign.Left, font, ink);
            canvas.Restore();
            return;
        }
        var lines = Lines(name, font, _cellWidth - 6, MostLines);
        for (int k = 0; k < lines.Count; k++)
            canvas.DrawText(lines[k], center, _top - 10 - (LineHeight * (lines.Count - 1 - k)), SKTextAlign.Center, font, ink);
    }

    private static void DrawRowName(SKCanvas canvas, string name, float right, float middle, SKPaint ink)
    {
        using var font = new SKFont(Fonts.For(name, Fonts.Regular), LabelSize) { Subpixel = true };
        canvas.DrawText(Lines(name, font, 190, 1)[0], right, middle + (LabelSize * 0.36f), SKTextAlign.Right, font, ink);
    }

    private static void DrawImage(SKCanvas canvas, RasterImage image, SKRect place)
    {
        using var small = Pictures.Thumbnail(image, Scale * (int)Thumbnail);
        float scale = Math.Min(place.Width / small.Width, place.Height / small.Height);
        var target = SKRect.Create(place.MidX - (small.Width * scale / 2), place.MidY - (small.Height * scale / 2), small.Width * scale,
            small.Height * scale);
        using var rounded = new SKRoundRect(target, 6);
        canvas.Save();
        canvas.ClipRoundRect(rounded, SKClipOperation.Intersect, antialias: true);
        canvas.DrawBitmap(small, target, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        canvas.Restore();
    }

    private void DrawCell(SKCanvas canvas, SKRect place, double value, bool framed, SKColor frameColor)
    {
        var ground = Colors[value];
        var cell = SKRect.Inflate(place, _written ? -Gap / 2 : -0.5f, _written ? -Gap / 2 : -0.5f);
        float corner = _written ? 6 : 2;
        using var fill = new SKPaint { Color = ground, IsAntialias = true };
        canvas.DrawRoundRect(cell, corner, corner, fill);
        if (framed)
        {
            using var frame = new SKPaint { Color = frameColor, IsAntialias = true, Style = SKPaintStyle.Stroke,
                StrokeWidth = _written ? 2.5f : 1.5f };
            canvas.DrawRoundRect(cell, corner, corner, frame);
        }
        if (!_written) return;
        using var font = new SKFont(framed ? Fonts.SemiBold : Fonts.Regular, 14.5f) { Subpixel = true };
        using var ink = new SKPaint { Color = ColorScale.Ink(ground), IsAntialias = true };
        canvas.DrawText(Number(value), cell.MidX, cell.MidY + 5.2f, SKTextAlign.Center, font, ink);
    }

    /// <summary>A value with as many decimals as suit the largest, the same number in all cells.</summary>
    internal string Number(double value)
    {
        int digits = Math.Max(Math.Abs(Colors.Low), Math.Abs(Colors.High)) switch { >= 100 => 0, >= 10 => 1, >= 0.1 => 2, _ => 3 };
        // Adding 0 turns the −0 that a small negative number is rounded to into 0.
        return (Math.Round(value, digits) + 0.0).ToString("F" + digits, CultureInfo.InvariantCulture).Replace('-', '−');
    }

    /// <summary>Text in lines that fit the width, broken at spaces; what is longer ends in "…".</summary>
    internal static IReadOnlyList<string> Lines(string text, SKFont font, float width, int most)
    {
        List<string> lines = [""];
        foreach (string word in text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            string longer = lines[^1].Length > 0 ? $"{lines[^1]} {word}" : word;
            if (lines[^1].Length > 0 && (most == 1 ? lines.Count > 1 : font.MeasureText(longer) > width)) lines.Add(word);
            else lines[^1] = longer;
        }
        if (lines.Count > most)
        {
            string last = lines[most - 1];
            while (font.MeasureText(last + "…") > width && last.LastIndexOf(' ') is > 0 and var space) last = last[..space];
            lines = [.. lines[..(most - 1)], last + "…"];
        }
        return [.. lines.Select(line => Elided(line, font, width))];
    }

    private static string Elided(string line, SKFont font, float width)
    {
        if (font.MeasureText(line) <= width) return line;
        int kept = line.Length - 1;
        while (kept > 1 && font.MeasureText(line[..kept].TrimEnd() + "…") > width) kept--;
        return line[..kept].TrimEnd() + "…";
    }
}
