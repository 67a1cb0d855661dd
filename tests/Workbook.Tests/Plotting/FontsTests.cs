using ClipNotebooks.Workbook.Plotting;
using SkiaSharp;

namespace ClipNotebooks.Workbook.Tests.Plotting;

public sealed class FontsTests
{
    [Theory, InlineData(false), InlineData(true)]
    public void Drawn_text_leaves_ink(bool semiBold)
    {
        using var bitmap = new SKBitmap(200, 40);
        using var canvas = new SKCanvas(bitmap);
        using var font = new SKFont(semiBold ? Fonts.SemiBold : Fonts.Regular, 20);
        using var black = new SKPaint { Color = SKColors.Black };
        canvas.Clear(SKColors.White);
        canvas.DrawText("a photo of a cat", 2, 25, SKTextAlign.Left, font, black);

        Assert.InRange(bitmap.Pixels.Count(pixel => pixel.Red < 128), 300, 3000); // 13 letters of some 50 pixels each
    }

    [Fact]
    public void The_two_weights_are_those_of_Inter()
    {
        Assert.Equal(("Inter", 400), (Fonts.Regular.FamilyName, Fonts.Regular.FontWeight));
        Assert.Equal(600, Fonts.SemiBold.FontWeight);
    }

    [Fact]
    public void Latin_text_keeps_the_preferred_face() => Assert.Same(Fonts.Regular, Fonts.For("τ = 0.07 … “é”", Fonts.Regular));
}
