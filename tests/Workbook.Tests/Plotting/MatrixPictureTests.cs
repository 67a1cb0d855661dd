using ClipNotebooks.Workbook.Plotting;
using SkiaSharp;

namespace ClipNotebooks.Workbook.Tests.Plotting;

public sealed class MatrixPictureTests
{
    [Theory]
    [InlineData("a sunset over the ocean", 90, 4)]
    [InlineData("a sunset over the ocean", 90, 1)]
    [InlineData("Donaudampfschifffahrtsgesellschaft", 90, 2)]
    [InlineData("", 90, 2)]
    public void Lines_fit_their_width_and_number(string text, float width, int most)
    {
        using var font = new SKFont(Fonts.Regular, 13);
        var lines = MatrixPicture.Lines(text, font, width, most);
        Assert.InRange(lines.Count, 1, most);
        Assert.All(lines, line => Assert.True(font.MeasureText(line) <= width, line));
    }

    [Fact]
    public void What_does_not_fit_ends_in_dots_after_a_whole_word()
    {
        using var font = new SKFont(Fonts.Regular, 13);
        Assert.Equal(["a snowy", "mountain…"], MatrixPicture.Lines("a snowy mountain under a purple sky", font, 90, 2));
        Assert.Equal(["a snowy", "mountain"], MatrixPicture.Lines("a snowy mountain", font, 90, 2));
    }

    [Fact]
    public void A_number_that_is_written_as_zero_has_no_sign()
    {
        var picture = new MatrixPicture([[-1, 1]], ["r"], ["a", "b"], "", ColorScale.Of([-1, 1]));
        Assert.Equal(("0.00", "−0.50"), (picture.Number(-0.001), picture.Number(-0.5)));
    }
}
