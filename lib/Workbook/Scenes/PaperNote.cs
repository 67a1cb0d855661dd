using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Plotting;
using SkiaSharp;

namespace ClipNotebooks.Workbook.Scenes;

/// <summary>A white note with letters on it, stuck on a picture: the typographic attack of Goh et al. 2021. Thread-safe.</summary>
public static class PaperNote
{
    /// <summary>
    /// As shares of the picture's shorter side: the note's height, its largest width, the paper beside the letters, and the letters' size.
    /// </summary>
    private const float High = 0.24f, Widest = 0.94f, Margin = 0.03f, Letters = 0.22f;

    /// <summary>The middle of the note, as a share of the picture's height from the top.</summary>
    private const float Middle = 0.84f;

    /// <summary>Sticks a note on the lower part of a picture. Long words are written smaller, so that the note fits.</summary>
    /// <param name="picture">A picture of any size; it is not changed.</param>
    /// <param name="words">What is written.</param>
    /// <param name="blank">Whether to leave the letters out: the same paper with nothing on it.</param>
    /// <returns>A picture of the same size; the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">There are no words.</exception>
    public static RasterImage On(RasterImage picture, string words, bool blank = false)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentException.ThrowIfNullOrWhiteSpace(words);
        float side = Math.Min(picture.Width, picture.Height);
        using var bitmap = picture.ToBitmap();
        using (var canvas = new SKCanvas(bitmap)) Stick(canvas, words, blank, picture.Width / 2f, Middle * picture.Height, side);
        return RasterImage.FromBitmap(bitmap);
    }

    private static void Stick(SKCanvas canvas, string words, bool blank, float x, float y, float side)
    {
        using var font = new SKFont(Fonts.For(words, Fonts.SemiBold), Letters * side) { Subpixel = true };
        float room = (Widest - (2 * Margin)) * side, length = font.MeasureText(words);
        if (length > room) (font.Size, length) = (font.Size * room / length, room);
        using var paper = new SKPaint { Color = SKColors.White, IsAntialias = true };
        using var ink = new SKPaint { Color = SKColors.Black, IsAntialias = true };
        float half = (length / 2) + (Margin * side);
        canvas.DrawRect(new SKRect(x - half, y - (High * side / 2), x + half, y + (High * side / 2)), paper);
        if (!blank) canvas.DrawText(words, x, y + (0.36f * font.Size), SKTextAlign.Center, font, ink);
        canvas.Flush();
    }
}
