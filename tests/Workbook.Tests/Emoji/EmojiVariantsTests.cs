using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Emoji;

namespace ClipNotebooks.Workbook.Tests.Emoji;

public sealed class EmojiVariantsTests
{
    [Fact]
    public void A_picture_is_the_same_each_time_and_another_for_another_number_or_concept()
    {
        using var drawing = Disc();
        byte[] first = Draw(drawing, 3, 0);
        Assert.Equal(3 * 32 * 32, first.Length);
        Assert.Equal(first, Draw(drawing, 3, 0));
        Assert.NotEqual(first, Draw(drawing, 3, 1));
        Assert.NotEqual(first, Draw(drawing, 4, 0));
    }

    [Fact]
    public void The_drawing_is_whole_in_every_picture_and_one_light_falls_on_it_and_on_its_ground()
    {
        using var drawing = Disc();
        HashSet<(byte, byte, byte)> grounds = [];
        for (int number = 0; number < 20; number++)
        {
            byte[] rgb = Draw(drawing, 0, number);
            var corners = new[] { 0, 31, 31 * 32, 32 * 32 - 1 }.Select(at => (rgb[3 * at], rgb[3 * at + 1], rgb[3 * at + 2])).ToList();
            Assert.Single(corners.Distinct());          // the disc is nowhere cut off
            Assert.All(new[] { corners[0].Item1, corners[0].Item2, corners[0].Item3 }, light => Assert.InRange(light, 200, 255));
            grounds.Add(corners[0]);
        }
        Assert.True(grounds.Count > 10, $"{grounds.Count} lights in 20 pictures");
    }

    [Fact]
    public void A_drawing_that_is_not_square_is_refused()
    {
        using var drawing = RasterImage.FromRgb(2, 1, new byte[6]);
        Assert.Contains("2 x 1", Assert.Throws<ArgumentException>(() => EmojiVariants.Draw(drawing, 8, 0, 0)).Message,
            StringComparison.Ordinal);
    }

    private static byte[] Draw(RasterImage drawing, int concept, int number)
    {
        using var picture = EmojiVariants.Draw(drawing, 32, concept, number);
        return picture.ToRgbBytes();
    }

    /// <summary>A dark disc before white, 48 pixels wide.</summary>
    private static RasterImage Disc()
    {
        byte[] rgb = new byte[3 * 48 * 48];
        for (int y = 0; y < 48; y++)
            for (int x = 0; x < 48; x++)
                rgb.AsSpan(3 * (48 * y + x), 3).Fill((x - 24) * (x - 24) + (y - 24) * (y - 24) < 400 ? (byte)40 : (byte)255);
        return RasterImage.FromRgb(48, 48, rgb);
    }
}
