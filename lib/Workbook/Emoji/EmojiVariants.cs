using System.Numerics;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Workbook.Emoji;

/// <summary>
/// Several pictures of one drawing, where a style has no more than one of each concept: placed, sized, turned a little and tinted by lot,
/// the white around it too.
/// </summary>
public static class EmojiVariants
{
    /// <summary>One of them.</summary>
    /// <param name="drawing">Square, before white; stays as it is.</param>
    /// <param name="side">R, the side of the picture that is made.</param>
    /// <param name="concept">Which concept's: two of them do not fall alike.</param>
    /// <param name="number">Which of the concept's pictures: with these three the same picture each time.</param>
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
