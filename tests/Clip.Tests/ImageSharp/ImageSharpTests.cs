using ClipNotebooks.Core.Images;
using ClipNotebooks.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace ClipNotebooks.Clip.Tests.ImageSharp;

public sealed class ImageSharpTests
{
    private static readonly ImageSharpDecoder Decoder = new();

    private static readonly ClipImageTransform OpenAi = new(new ImageTransformConfig { Size = 64, ResizeSize = 64 });

    public static TheoryData<string> Jpegs => [.. Names().Where(name => name.EndsWith(".jpg", StringComparison.Ordinal))];

    /// <summary>A palette that is gray counts as gray there, as in Pillow; ImageSharp does not hand out palettes.</summary>
    public static TheoryData<string> Others =>
        [.. Names().Where(name => !name.EndsWith(".jpg", StringComparison.Ordinal) && name != "gray.bmp")];

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

    /// <summary>
    /// Two inverse transforms round a sample to values that are 1 apart; in colour that makes 3 of 255 at most, and of CMYK's products 2.
    /// Where the colours have fewer samples than the brightness, ImageSharp repeats them and libjpeg interpolates: brightness, which both
    /// have whole, is still within 2, where no channel is cut off at 0 or 255; colours are further apart at edges, and on average.
    /// </summary>
    [Theory]
    [MemberData(nameof(Jpegs))]
    public void A_jpeg_differs_from_the_default_decoders_by_roundings_and_by_the_interpolation_of_its_colours(string name)
    {
        byte[] file = Bytes(name);
        using RasterImage expected = SkiaImageDecoder.Shared.Decode(file, name), decoded = Decoder.Decode(file, name);
        Assert.Equal((expected.Width, expected.Height, SampleLayout.Rgb), (decoded.Width, decoded.Height, decoded.Layout));
        byte[] x = expected.ToRgbBytes(), y = decoded.ToRgbBytes();
        int[] differences = [.. x.Zip(y, (a, b) => Math.Abs(a - b))];
        double brightness = x.Chunk(3).Zip(y.Chunk(3)).Where(pair => pair.First.Concat(pair.Second).All(v => v is > 0 and < 255))
            .Max(pair => Math.Abs(Brightness(pair.First) - Brightness(pair.Second)));
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{name}: {differences.Average():0.000} on average, {differences.Max()} at most, brightness {brightness:0.00} at most");
        var (components, halved) = Planes(file);
        Assert.InRange(differences.Max(), 0, halved ? 255 : components == 1 ? 1 : components == 3 ? 3 : 2);
        Assert.InRange(differences.Average(), 0, halved ? 2.6 : 0.1);
        Assert.InRange(brightness, 0, 2);

        static double Brightness(byte[] rgb) => 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
    }

    [Theory]
    [InlineData("gray.bmp")]
    [InlineData("01-gray-palette-gif/gray.gif")]
    public void A_gray_palette_has_the_samples_of_the_default_decoder_and_stays_a_palette(string name)
    {
        byte[] file = name.Contains('/', StringComparison.Ordinal) ? Case(name) : Bytes(name);
        using RasterImage expected = SkiaImageDecoder.Shared.Decode(file, name), decoded = Decoder.Decode(file, name);
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

    /// <summary>What a JPEG's frame header says: its components, and whether the first has more samples than the others.</summary>
    private static (int Components, bool Halved) Planes(byte[] jpeg)
    {
        int at = 2;
        while (jpeg[at + 1] is not (0xc0 or 0xc1 or 0xc2)) at += 2 + (jpeg[at + 2] << 8) + jpeg[at + 3];
        return (jpeg[at + 9], jpeg[at + 9] > 1 && jpeg[at + 11] != 0x11);
    }

    private static byte[] Case(string name) => File.ReadAllBytes(Repository.Reference(["cases", .. name.Split('/')]));
}
