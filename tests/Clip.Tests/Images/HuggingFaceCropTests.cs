using System.Security.Cryptography;
using System.Text.Json;
using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Clip.Tests.Images;

/// <summary>Reference: hf_preprocess/index.json, made by transformers 5.12.1 and open_clip (89fb801) on Pillow 13.0.0.</summary>
public sealed class HuggingFaceCropTests
{
    public static TheoryData<string> Configs => [.. Cases().Select(entry => entry.GetProperty("config").GetString()!).Distinct()];

    [Theory]
    [MemberData(nameof(Configs))]
    public void Crops_equal_those_of_transformers_and_open_clip_bit_for_bit(string config)
    {
        var transform = new ClipImageTransform(
            ImageTransformConfig.Load(Repository.Reference("hf_preprocess", "config", config + ".json")));
        var wrong = new List<string>();
        foreach (var entry in Cases().Where(entry => entry.GetProperty("config").GetString() == config))
        {
            string name = entry.GetProperty("image").GetString()!;
            using var image = RasterImage.Load(Repository.Reference("hf_preprocess", "images", name));
            using var crop = transform.Crop(image);
            Assert.Equal((entry.GetProperty("width").GetInt32(), entry.GetProperty("height").GetInt32()), (crop.Width, crop.Height));
            // Without do_convert_rgb transformers hands on the alpha too, which no model takes; it lies beside the colours here.
            byte[] samples = config == "no_convert_rgb" && name == "rgba.png" ? crop.Samples.ToArray() : crop.ToRgbBytes();
            if (Convert.ToHexStringLower(SHA256.HashData(samples)) != entry.GetProperty("sha256").GetString()) wrong.Add(name);
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void Without_a_crop_an_image_that_is_not_square_is_refused_where_the_model_takes_squares()
    {
        var transform = new ClipImageTransform(
            ImageTransformConfig.Load(Repository.Reference("hf_preprocess", "config", "no_crop_shortest.json")));
        Assert.Equal(3 * 96 * 96, transform.Apply(RasterImage.FromRgb(5, 5, new byte[75])).Length);
        var refusal = Assert.Throws<InvalidDataException>(() => transform.Apply(RasterImage.FromRgb(10, 5, new byte[150])));
        Assert.Contains("\"do_center_crop\" is false", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("192 x 96", refusal.Message, StringComparison.Ordinal);
    }

    private static List<JsonElement> Cases() =>
        [.. JsonDocument.Parse(File.ReadAllText(Repository.Reference("hf_preprocess", "index.json"))).RootElement.GetProperty(
            "cases").EnumerateArray()];
}
