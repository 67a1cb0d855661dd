using System.Security.Cryptography;
using System.Text.Json;
using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Clip.Tests.Images;

/// <summary>Reference: preprocess.json, made by openai/CLIP's transform on Pillow 13.0.0 and torchvision 0.27.0.</summary>
public sealed class ReferenceCropTests
{
    public static TheoryData<string, int> Crops()
    {
        var crops = new TheoryData<string, int>();
        foreach (var image in Images())
            foreach (var size in image.GetProperty("sizes").EnumerateObject())
                crops.Add(image.GetProperty("name").GetString()!, int.Parse(size.Name));
        return crops;
    }

    [Theory]
    [MemberData(nameof(Crops))]
    public void Crops_equal_Pillows_bit_for_bit(string name, int size)
    {
        var image = Images().Single(i => i.GetProperty("name").GetString() == name);
        var crop = new ClipImageTransform(new ImageTransformConfig { ResizeSize = size, Size = size })
            .Crop(RasterImage.Load(Repository.Reference("preprocess", image.GetProperty("file").GetString()!)));
        AssertCrop(image, size, crop);
    }

    [Fact]
    public void The_samples_of_a_cmyk_jpeg_are_those_that_Pillow_decodes()
    {
        byte[] file = File.ReadAllBytes(Repository.Reference("preprocess", "decoded_cmyk.safetensors"));
        var samples = file[(8 + (int)BitConverter.ToUInt64(file))..];
        var image = RasterImage.Load(Repository.Reference("preprocess", "images", "11_cmyk_400x300_q92.jpg"));
        Assert.Equal((400, 300, SampleLayout.Cmyk), (image.Width, image.Height, image.Layout));
        Assert.Equal(samples, image.Samples.ToArray());
    }

    [Fact]
    public void A_cmyk_jpeg_that_is_damaged_is_read_or_refused_by_name()
    {
        byte[] sound = File.ReadAllBytes(Repository.Reference("preprocess", "images", "11_cmyk_400x300_q92.jpg"));
        Assert.Contains("cut.jpg is damaged", Assert.Throws<InvalidDataException>(
            () => SkiaImageDecoder.Shared.Decode(sound.AsMemory(0, sound.Length / 2), "cut.jpg")).Message, StringComparison.Ordinal);
        var dice = new Random(1);
        for (int i = 0; i < 200; i++)
        {
            byte[] damaged = [.. sound];
            for (int k = 0; k < 4; k++) damaged[dice.Next(k < 2 ? 340 : damaged.Length)] = (byte)dice.Next(256);
            try
            {
                SkiaImageDecoder.Shared.Decode(damaged, "damaged.jpg");
            }
            catch (InvalidDataException exception)
            {
                Assert.StartsWith("damaged.jpg", exception.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Values_are_the_crops_normalised_in_float32()
    {
        var config = new ImageTransformConfig();
        var transform = new ClipImageTransform(config);
        foreach (string file in new[] { "01_gradient_640x480.png", "08_rgba_257x400.png" })
        {
            var image = RasterImage.Load(Repository.Reference("preprocess", "images", file));
            var (crop, values) = (transform.Crop(image).ToRgbBytes(), transform.Apply(image));
            for (int c = 0; c < 3; c++)
                for (int i = 0; i < 224 * 224; i++)
                    Assert.Equal((crop[3 * i + c] / 255f - config.Mean[c]) / config.Std[c], values[c * 224 * 224 + i]);
        }
    }

    private static void AssertCrop(JsonElement image, int size, RasterImage crop)
    {
        var expected = image.GetProperty("sizes").GetProperty($"{size}");
        Assert.Equal((size, size), (crop.Width, crop.Height));
        Assert.Equal(expected.GetProperty("sum_u8").GetInt64(), crop.ToRgbBytes().Sum(p => (long)p));
        Assert.Equal(expected.GetProperty("sha256_u8_hwc").GetString(), Convert.ToHexStringLower(SHA256.HashData(crop.ToRgbBytes())));
    }

    private static List<JsonElement> Images() =>
        [.. JsonDocument.Parse(File.ReadAllText(Repository.Reference("preprocess", "preprocess.json"))).RootElement.GetProperty("images")
            .EnumerateArray()];
}
