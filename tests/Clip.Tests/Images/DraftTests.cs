using ClipNotebooks.Core.Images;
using SkiaSharp;

namespace ClipNotebooks.Clip.Tests.Images;

public sealed class DraftTests
{
    [Theory]
    [InlineData(640, 480, null, 640, 480)]
    [InlineData(640, 480, 224, 640, 480)]       // at a half, which saves nothing
    [InlineData(640, 480, 121, 640, 480)]       // a quarter of 480 would be too small
    [InlineData(640, 480, 120, 160, 120)]
    [InlineData(480, 640, 120, 120, 160)]
    [InlineData(1920, 1081, 100, 240, 136)]     // an eighth, rounded up
    [InlineData(30, 20, 224, 30, 20)]
    public void A_jpeg_is_decoded_at_a_quarter_or_an_eighth_and_never_below_the_side(
        int width, int height, int? side, int decodedWidth, int decodedHeight)
    {
        var image = new SkiaImageDecoder { DraftSide = side }.Decode(Encoded(width, height, SKEncodedImageFormat.Jpeg), "photo.jpg");
        Assert.Equal((decodedWidth, decodedHeight), (image.Width, image.Height));
    }

    [Fact]
    public void A_draft_shows_the_same_picture()
    {
        byte[] jpeg = Encoded(1280, 960, SKEncodedImageFormat.Jpeg);
        var transform = new ClipImageTransform(new ImageTransformConfig());
        byte[] whole = transform.Crop(SkiaImageDecoder.Shared.Decode(jpeg, "photo.jpg")).ToRgbBytes(),
            draft = transform.Crop(new SkiaImageDecoder { DraftSide = 224 }.Decode(jpeg, "photo.jpg")).ToRgbBytes();
        // Of 255, over a picture of slopes and edges: a shift by half a pixel of the draft would make 1.5 and more of it.
        Assert.InRange(whole.Zip(draft, (a, b) => Math.Abs(a - b)).Average(), 0.001, 1);
    }

    [Fact]
    public void Other_formats_are_decoded_in_full()
    {
        foreach (var format in new[] { SKEncodedImageFormat.Png, SKEncodedImageFormat.Webp })
            Assert.Equal(640, new SkiaImageDecoder { DraftSide = 100 }.Decode(Encoded(640, 480, format), "picture").Width);
    }

    [Fact]
    public void A_bomb_is_refused_by_the_size_in_its_header_whatever_the_draft() =>
        Assert.Contains("640 x 480", Assert.Throws<InvalidDataException>(
            () => new SkiaImageDecoder { DraftSide = 8, MaxPixels = 100_000 }.Decode(
            Encoded(640, 480, SKEncodedImageFormat.Jpeg), "photo.jpg")).Message, StringComparison.Ordinal);

    private static byte[] Encoded(int width, int height, SKEncodedImageFormat format)
    {
        using var bitmap = new SKBitmap(width, height);
        using (var canvas = new SKCanvas(bitmap))
        using (var paint = new SKPaint { IsAntialias = true,
            Shader = SKShader.CreateLinearGradient(new(0, 0), new(width, height), [SKColors.Navy, SKColors.Orange],
            SKShaderTileMode.Clamp) })
        {
            canvas.DrawRect(0, 0, width, height, paint);
            paint.Shader = null;
            paint.Color = SKColors.White;
            canvas.DrawCircle(width / 3f, height / 2f, height / 4f, paint);
        }
        using var data = bitmap.Encode(format, 90);
        return data.ToArray();
    }
}
