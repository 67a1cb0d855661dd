using ClipNotebooks.Clip.Images;
using ClipNotebooks.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace ClipNotebooks.Clip.Tests.ImageSharp;

public sealed class ImageSharpTests
{
    private static readonly ImageSharpDecoder Decoder = new();

    private static readonly ClipImageTransform OpenAi = new(new ImageTransformConfig { Size = 64, ResizeSize = 64 });

    /// <summary>Another inverse transform and another interpolation of the colour planes than libjpeg's.</summary>
    public static TheoryData<string> Jpegs => [.. Names().Where(name => name.EndsWith(".jpg", StringComparison.Ordinal))];

    /// <summary>A palette that is gray counts as gray there, as in Pillow; ImageSharp does not hand out palettes.</summary>
    public static TheoryData<string> Others =>
        [.. Names().Where(name => !name.EndsWith(".jpg", StringComparison.Ordinal) && name is not ("graypalette.gif" or "gray.bmp"))];

    private static IEnumerable<string> Names() => new[] { "preprocess", "hf_preprocess" }
        .SelectMany(set => Directory.GetFiles(Repository.Reference(set, "images")))
        .Select(path => Path.GetFileName(path)).Distinct().Order(StringComparer.Ordinal);

    private static byte[] Bytes(string name) => File.ReadAllBytes(new[] { "preprocess", "hf_preprocess" }
        .Select(set => Repository.Reference(set, "images", name)).First(File.Exists));

    [Theory]
    [MemberData(nameof(Others))]
    public void A_file_has_the_layout_the_samples_and_the_crop_of_the_default_decoder(string name)
    {
        using RasterImage expected = SkiaImageDecoder.Shared.Decode(Bytes(name), name), decoded = Decoder.Decode(Bytes(name), name);
        Assert.Equal((expected.Width, expected.Height, expected.Layout), (decoded.Width, decoded.Height, decoded.Layout));
        Assert.Equal(expected.Gray16, decoded.Gray16);
        Assert.Equal(expected.ToRgbBytes(), decoded.ToRgbBytes());
        Assert.Equal(OpenAi.Crop(expected).ToRgbBytes(), OpenAi.Crop(decoded).ToRgbBytes());
    }

    [Theory]
    [MemberData(nameof(Jpegs))]
    public void A_jpeg_is_close_to_the_default_decoders(string name)
    {
        using RasterImage expected = SkiaImageDecoder.Shared.Decode(Bytes(name), name), decoded = Decoder.Decode(Bytes(name), name);
        Assert.Equal((expected.Width, expected.Height, SampleLayout.Rgb), (decoded.Width, decoded.Height, decoded.Layout));
        int[] differences = [.. expected.ToRgbBytes().Zip(decoded.ToRgbBytes(), (x, y) => Math.Abs(x - y))];
        string said = $"{name}: differs by {differences.Average():0.000} on average, {differences.Max()} at most";
        TestContext.Current.TestOutputHelper!.WriteLine(said);
        // 2.6 is the most of these files (fine noise in 4:2:0); planes in the wrong place or order give 10 and more.
        Assert.InRange(differences.Average(), 0, 3);
    }

    [Theory]
    [InlineData("gray.bmp")]
    public void A_gray_palette_has_the_samples_of_the_default_decoder_and_stays_a_palette(string name)
    {
        using RasterImage expected = SkiaImageDecoder.Shared.Decode(Bytes(name), name), decoded = Decoder.Decode(Bytes(name), name);
        Assert.Equal((SampleLayout.Rgb, SampleLayout.Indexed), (expected.Layout, decoded.Layout));
        Assert.Equal(expected.ToRgbBytes(), decoded.ToRgbBytes());
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
        ImageSharpDecoder small = new() { MaxPixels = 1000 };
        Assert.Contains("640 x 480 pixels, more than the 1,000 allowed", Refused(small, sound), StringComparison.Ordinal);

        static string Refused(ImageSharpDecoder decoder, byte[] bytes) =>
            Assert.Throws<InvalidDataException>(() => decoder.Decode(bytes, "a.png")).Message;
    }

    [Theory]
    [MemberData(nameof(Images.DecodingTests.Files), MemberType = typeof(Images.DecodingTests))]
    public void A_file_cut_short_is_refused_as_by_the_default_decoder(string name)
    {
        byte[] file = Bytes(name);
        for (int tenth = 0; tenth < 10; tenth++)
        {
            var refusal = Assert.Throws<InvalidDataException>(() => Decoder.Decode(file.AsMemory(0, file.Length * tenth / 10), name));
            Assert.StartsWith(name, refusal.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Images.DecodingTests.Files), MemberType = typeof(Images.DecodingTests))]
    public void A_damaged_file_is_read_or_refused_by_name(string name)
    {
        byte[] sound = Bytes(name);
        ImageSharpDecoder decoder = new() { MaxPixels = 1 << 20 };
        for (int seed = 0; seed < 200; seed++)
        {
            var dice = new Random(seed);
            byte[] damaged = [.. sound];
            for (int change = dice.Next(1, 6); change > 0; change--)
                damaged[dice.Next(dice.Next(2) == 0 ? 60 : damaged.Length)] = (byte)dice.Next(256);
            try
            {
                decoder.Decode(damaged, name).Dispose();
            }
            catch (InvalidDataException refusal)
            {
                Assert.StartsWith(name, refusal.Message, StringComparison.Ordinal);
            }
        }
    }
}
