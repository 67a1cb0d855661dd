using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Plotting;
using SkiaSharp;

namespace ClipNotebooks.Workbook.Emoji;

/// <summary>A sheet of pictures with words under them, to look at.</summary>
public static class EmojiSheet
{
    private const int Side = 96, Gap = 8, Line = 18, Letters = 13;

    /// <summary>Draws a sheet.</summary>
    /// <param name="cells">For each cell a picture, or several side by side, and the lines of words under them.</param>
    /// <param name="columns">Cells in a row.</param>
    /// <exception cref="ArgumentException">There is no cell.</exception>
    public static RasterImage Draw(IReadOnlyList<(IReadOnlyList<RasterImage> Pictures, IReadOnlyList<string> Lines)> cells, int columns)
    {
        ArgumentNullException.ThrowIfNull(cells);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        if (cells.Count == 0) throw new ArgumentException("There is nothing to draw: the list is empty.", nameof(cells));
        int across = Math.Max(2, cells.Max(cell => cell.Pictures.Count)), width = across * (Side + Gap) + 2 * Gap;
        int height = Side + cells.Max(cell => cell.Lines.Count) * Line + 3 * Gap, rows = (cells.Count + columns - 1) / columns;
        using var bitmap = new SKBitmap(new SKImageInfo(Math.Min(columns, cells.Count) * width, rows * height, SKColorType.Rgba8888,
            SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(bitmap))
        {
            canvas.Clear(SKColors.White);
            foreach (var (i, (pictures, lines)) in cells.Index())
            {
                float x = i % columns * width + Gap, y = i / columns * height + Gap;
                foreach (var (n, picture) in pictures.Index()) Place(canvas, picture, x + n * (Side + Gap), y);
                foreach (var (n, line) in lines.Index()) Write(canvas, line, x, y + Side + (n + 1) * Line, width - 2 * Gap);
            }
        }
        return RasterImage.FromBitmap(bitmap);
    }

    private static void Place(SKCanvas canvas, RasterImage picture, float x, float y)
    {
        using var bitmap = picture.ToBitmap();
        using var image = SKImage.FromBitmap(bitmap);
        canvas.DrawImage(image, new SKRect(x, y, x + Side, y + Side), new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
    }

    private static void Write(SKCanvas canvas, string line, float x, float y, float room)
    {
        using var font = new SKFont(Fonts.For(line, Fonts.Regular), Letters);
        using var ink = new SKPaint { Color = SKColors.Black, IsAntialias = true };
        string cut = line;
        while (cut.Length > 1 && font.MeasureText(cut == line ? cut : cut + "…") > room) cut = cut[..^1];
        canvas.DrawText(cut == line ? cut : cut + "…", x, y, SKTextAlign.Left, font, ink);
    }
}
