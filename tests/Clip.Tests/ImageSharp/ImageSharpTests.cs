using ClipNotebooks.Clip.Images;
using ClipNotebooks.ImageSharp;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace ClipNotebooks.Clip.Tests.ImageSharp;

/// <summary>Built and run under <c>-p:ImageBackend=ImageSharp</c> alone.</summary>
public sealed class ImageSharpTests
{
    private static readonly ImageSharpDecoder Decoder = new();

    public static TheoryData<string> Files(string extension) =>
        [.. Directory.GetFiles(Repository.Reference("preprocess", "images"), "*" + extension).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private static byte[] Bytes(string file) => File.ReadAllBytes(Repository.Reference("preprocess", "images", file));

    [Theory]
    [MemberData(nameof(Files), ".png")]
    public void A_png_has_the_layout_and_the_samples_of_the_default_decoder(string file)
    {
        var (expected, decoded) = (SkiaImageDecoder.Shared.Decode(Bytes(file), file), Decoder.Decode(Bytes(file), file));
        Assert.Equal((expected.Width, expected.Height, expected.Layout), (decoded.Width, decoded.Height, decoded.Layout));
        Assert.Equal(expected.Gray16, decoded.Gray16);
        Assert.Equal(expected.ToRgbBytes(), decoded.ToRgbBytes());
        if (expected.Layout == SampleLayout.Rgba) Assert.Equal(expected.Samples.ToArray(), decoded.Samples.ToArray());
    }

    // Another inverse transform and another interpolation of the colour planes: samples differ a little from libjpeg's, which Pillow and the default decoder have.
    [Theory]
    [MemberData(nameof(Files), ".jpg")]
    public void A_jpeg_is_close_to_the_default_decoders(string file)
    {
        var (expected, decoded) = (SkiaImageDecoder.Shared.Decode(Bytes(file), file).ToRgbBytes(), Decoder.Decode(Bytes(file), file));
        Assert.Equal((expected.Width, expected.Height, SampleLayout.Rgb), (decoded.Width, decoded.Height, decoded.Layout));
        byte[] pixels = decoded.ToRgbBytes();
        double mean = expected.Zip(pixels, (x, y) => Math.Abs(x - y)).Average();
        int most = expected.Zip(pixels, (x, y) => Math.Abs(x - y)).Max();
        TestContext.Current.TestOutputHelper!.WriteLine($"{file}: differs by {mean:0.000} on average, {most} at most");
        Assert.InRange(mean, 0, 2);
    }

    [Fact]
    public void Images_go_to_ImageSharp_and_back_unchanged()
    {
        var pixels = new byte[3 * 7 * 5];
        new Random(1).NextBytes(pixels);
        using var image = RasterImage.FromRgb(7, 5, pixels).ToImageSharp();
        Assert.Equal(new Rgb24(pixels[3 * (7 * 2 + 4)], pixels[3 * (7 * 2 + 4) + 1], pixels[3 * (7 * 2 + 4) + 2]), image[4, 2]);
        var back = image.ToRasterImage();
        Assert.Equal((7, 5), (back.Width, back.Height));
        Assert.Equal(pixels, back.ToRgbBytes());
    }

    [Fact]
    public void What_is_no_image_or_damaged_or_too_large_is_refused_by_name()
    {
        byte[] sound = Bytes("01_gradient_640x480.png");
        Assert.Contains("a.png is not an image", Refused(Decoder, []), StringComparison.Ordinal);
        Assert.Contains("a.png is not an image that can be read", Refused(Decoder, "not a picture"u8.ToArray()), StringComparison.Ordinal);
        Assert.Contains("a.png is damaged", Refused(Decoder, sound[..(sound.Length / 2)]), StringComparison.Ordinal);
        Assert.Contains("640 x 480 pixels, more than the 1,000 allowed", Refused(new ImageSharpDecoder { MaxPixels = 1000 }, sound), StringComparison.Ordinal);

        static string Refused(ImageSharpDecoder decoder, byte[] bytes) => Assert.Throws<InvalidDataException>(() => decoder.Decode(bytes, "a.png")).Message;
    }
}
