using System.Numerics;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Workbook.Emoji;

/// <summary>
/// Makes several pictures from one drawing, for a style that has only one of each concept. Place, size, a small angle and the tint are
/// random; the white around the drawing is tinted too.
/// </summary>
public static class EmojiVariants
{
    /// <summary>Draws one of these pictures.</summary>
    /// <param name="drawing">Square, on a white background; it is not changed.</param>
    /// <param name="side">R, the side of the picture that is made.</param>
    /// <param name="concept">The number of the concept: pictures of different concepts vary differently.</param>
    /// <param name="number">Which of the concept's pictures to draw; the same arguments always give the same picture.</param>
    /// <returns>(R, R), RGB; the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The drawing is not square.</exception>
    public static RasterImage Draw(RasterImage drawing, int side, int concept, int number)
    {
        ArgumentNullException.ThrowIfNull(drawing);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        if (drawing.Width != drawing.Height)
            throw new ArgumentException($"The drawing is {drawing.Width} x {drawing.Height}; it must be square.", nameof(drawing));
        var dice = new Dice(Dice.Seed((ulong)concept, (ulong)number));
        var layer = new Vector4[side * side];
        Array.Fill(layer, new Vector4(255));
        float size = dice.Between(0.6f, 1), room = (1 - size) / 2;
        float x = 0.5f + dice.Between(-room, room), y = 0.5f + dice.Between(-room, room);
        using var opaque = Opaque(drawing);
        new EmojiPicture(opaque).Draw(layer, side, (x * side, y * side, size * side, dice.Between(-12, 12), false));
        EmojiHand.Change(layer, side, dice);
        return RasterImage.FromRgb(side, side, [.. layer.SelectMany(color => new[] { Byte(color.X), Byte(color.Y), Byte(color.Z) })]);
    }

    private static RasterImage Opaque(RasterImage image)
    {
        byte[] rgb = image.ToRgbBytes(), rgba = new byte[rgb.Length / 3 * 4];
        for (int i = 0, j = 0; i < rgb.Length; i += 3, j += 4)
            (rgba[j], rgba[j + 1], rgba[j + 2], rgba[j + 3]) = (rgb[i], rgb[i + 1], rgb[i + 2], 255);
        return RasterImage.FromSamples(image.Width, image.Height, SampleLayout.Rgba, rgba);
    }

    private static byte Byte(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);
}
