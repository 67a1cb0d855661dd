using ClipNotebooks.Cli.Shell;
using SkiaSharp;
using Svg.Skia;

namespace ClipNotebooks.Cli.Emoji;

/// <summary>SVG to pixels.</summary>
internal static class SvgDrawing
{
    /// <summary>Draws an SVG in the middle of a square, as large as fits.</summary>
    /// <param name="svg">The SVG, with a view box.</param>
    /// <param name="side">The square's side in pixels.</param>
    /// <param name="what">What is drawn, for messages.</param>
    /// <returns>A PNG with transparency.</returns>
    /// <exception cref="UserError">It cannot be drawn, or nothing of it is visible.</exception>
    internal static byte[] Png(string svg, int side, string what)
    {
        using var drawing = new SKSvg();
        SKPicture? picture;
        try
        {
            picture = drawing.FromSvg(svg);
        }
        catch (Exception exception) when (exception is System.Xml.XmlException or FormatException or InvalidOperationException)
        {
            throw new UserError($"{what} cannot be drawn: {exception.Message}", inner: exception);
        }
        if (picture is null || picture.CullRect is not { Width: > 0, Height: > 0 } box)
            throw new UserError($"{what} cannot be drawn: its SVG has no size.");
        using var bitmap = new SKBitmap(new SKImageInfo(side, side, SKColorType.Rgba8888, SKAlphaType.Premul));
        using (var canvas = new SKCanvas(bitmap))
        {
            canvas.Clear(SKColors.Transparent);
            float scale = side / Math.Max(box.Width, box.Height);
            canvas.Translate((side - scale * box.Width) / 2, (side - scale * box.Height) / 2);
            canvas.Scale(scale);
            canvas.Translate(-box.Left, -box.Top);
            canvas.DrawPicture(picture);
        }
        if (bitmap.GetPixelSpan().IndexOfAnyExcept((byte)0) < 0) throw new UserError($"{what} was drawn and left no ink.");
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
