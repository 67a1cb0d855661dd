using ClipNotebooks.Workbook.Plotting;
using SkiaSharp;

namespace ClipNotebooks.Workbook.Tests.Plotting;

public sealed class ColorScaleTests
{
    [Fact]
    public void Values_of_one_sign_run_from_violet_to_yellow()
    {
        var colors = ColorScale.Of([1, 3]);
        Assert.Equal((new SKColor(0x44, 0x01, 0x54), new SKColor(0xfd, 0xe7, 0x25)), (colors[1], colors[3]));
    }

    [Fact]
    public void Both_signs_have_colours_of_their_own_and_zero_is_nearly_white()
    {
        var colors = ColorScale.Of([-1, 0.5]);
        Assert.Equal("background:rgb(33,102,172);color:#fff", colors.Style(-1));
        Assert.Equal("background:rgb(247,247,247);color:#111", colors.Style(0));
        Assert.Equal("background:rgb(178,24,43);color:#fff", colors.Style(1));
    }

    [Fact]
    public void Text_stands_out_from_every_colour()
    {
        foreach (var colors in new[] { ColorScale.Of([0, 1]), ColorScale.Of([-1, 1]) })
            // WCAG asks a contrast of 4.5 of small text and 3 of large; black and white meet near 4.2, and white is kept a little further,
            // to 3.8, on teal and red.
            for (double value = colors.Low; value <= colors.High; value += 0.01)
            {
                double a = ColorScale.Luminance(colors[value]), b = ColorScale.Luminance(ColorScale.Ink(colors[value]));
                Assert.True((Math.Max(a, b) + 0.05) / (Math.Min(a, b) + 0.05) > 3.8, $"{value:f2} of {colors.Low}");
            }
    }

    [Fact]
    public void What_is_not_finite_is_gray_and_does_not_count()
    {
        var colors = ColorScale.Of([double.NaN, 2, double.NegativeInfinity, 4]);
        Assert.Equal((2, 4), (colors.Low, colors.High));
        Assert.Equal(new SKColor(0x88, 0x88, 0x88), colors[double.NaN]);
    }

    [Fact]
    public void Equal_values_have_a_colour_too() => Assert.Equal(ColorScale.Of([7, 7])[7], ColorScale.Of([6.5, 7.5])[7]);
}
