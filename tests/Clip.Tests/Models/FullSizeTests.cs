using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using ClipNotebooks.Clip.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Models;

/// <summary>
/// Reference: openai/CLIP's classes at full size on PyTorch 2.14.1, with weights and images that a formula gives (fullsize.json), so that a
/// test needs no download. The reference's own float32 and float64 results differ by up to 1.2e-6 of the largest magnitude; 1e-5 (5e-5 for
/// the ResNet) is the rounding of another order of summation.
/// </summary>
public sealed class FullSizeTests
{
    private const int ImageBlocks = 1000003, ImageNoise = 1000004;

    [Theory]
    [InlineData("ViT-B/32", "ViT-B-32", 1e-5)]
    [InlineData("RN50", "RN50", 5e-5)]
    public void The_full_size_model_gives_the_reference_outputs(string variant, string prefix, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var json = JsonDocument.Parse(File.ReadAllText(Repository.Reference("models", "fullsize", "fullsize.json")));
        var reference = json.RootElement.GetProperty(variant);
        using var outputs = new ReferenceTensors("fullsize", "outputs.safetensors");
        using var model = new ClipModel(ReferenceModel.Config(reference));
        Fill(model, reference);
        model.eval();
        var (images, ids) = (Images(reference.GetProperty("formula_weights")), Ids(reference.GetProperty("formula_weights")));
        Close.Relative(outputs[$"{prefix}.encode_image"], model.EncodeImage(images), tolerance);
        Close.Relative(outputs[$"{prefix}.encode_text"], model.EncodeText(ids), tolerance);
        Close.Relative(outputs[$"{prefix}.logits_per_image"], model.call(images, ids).LogitsPerImage, tolerance);

        if (Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") != "1") return; // some 20 seconds more
        // In float64, where rounding is 1e-16 a step, another formula could not hide: 1e-10 covers thousands of sums in another order.
        model.to(float64);
        Close.Relative(outputs[$"{prefix}.encode_image.f64"], model.EncodeImage(images.to(float64)), 1e-10);
        Close.Relative(outputs[$"{prefix}.encode_text.f64"], model.EncodeText(ids), 1e-10);
        Close.Relative(outputs[$"{prefix}.logits_per_image.f64"], model.call(images.to(float64), ids).LogitsPerImage, 1e-10);
    }

    private static void Fill(ClipModel model, JsonElement reference)
    {
        var state = model.state_dict();
        var checks = reference.GetProperty("formula_weights").GetProperty("check_tensors").EnumerateArray()
            .ToDictionary(c => c.GetProperty("name").GetString()!, c => c.GetProperty("sha256_float32_le").GetString());
        foreach (var (k, entry) in reference.GetProperty("state_dict").EnumerateArray().Index())
        {
            string name = entry.GetProperty("name").GetString()!;
            if (!entry.TryGetProperty("scale", out var scale)) continue; // a count of batches, 0 at the start
            float[] values = new float[state[name].numel()];
            Unit(k, values, entry.GetProperty("offset").GetDouble(), scale.GetDouble());
            if (checks.TryGetValue(name, out string? hash)) Assert.Equal(
                hash, Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(values))));
            MemoryMarshal.AsBytes<float>(values).CopyTo(state[name].bytes);
        }
    }

    private static Tensor Images(JsonElement formula)
    {
        long[] shape = [.. formula.GetProperty("image_shape").EnumerateArray().Select(side => side.GetInt64())];
        double[] blocks = new double[shape[0] * shape[1] * 64], noise = new double[shape.Aggregate((a, b) => a * b)];
        for (uint j = 0; j < blocks.Length; j++) blocks[j] = Unit(ImageBlocks, j);
        for (uint j = 0; j < noise.Length; j++) noise[j] = 0.25 * Unit(ImageNoise, j);
        long repeats = shape[2] / 8;
        var image = tensor(blocks, [shape[0], shape[1], 8, 8]).repeat_interleave(repeats, 2)
            .repeat_interleave(repeats, 3) + tensor(noise, shape);
        image = image.to(float32).contiguous();
        Assert.Equal(formula.GetProperty("image_sha256_float32_le").GetString(), Convert.ToHexStringLower(SHA256.HashData(image.bytes)));
        return image;
    }

    /// <summary>The rows, filled up with zeros to the longest: nothing after the end token matters.</summary>
    private static Tensor Ids(JsonElement formula)
    {
        long[][] rows = [.. formula.GetProperty("token_ids").EnumerateArray()
            .Select(row => row.EnumerateArray().Select(id => id.GetInt64()).ToArray())];
        int length = rows.Max(row => row.Length);
        return tensor(rows.SelectMany(row => row.Concat(new long[length - row.Length])).ToArray(), [rows.Length, length]);
    }

    private static void Unit(int k, float[] values, double offset, double scale) =>
        Parallel.For(0, (values.Length + 65535) / 65536, chunk =>
    {
        for (int j = chunk * 65536; j < Math.Min(values.Length, (chunk + 1) * 65536); j++) values[j] =
            (float)(offset + scale * Unit(k, (uint)j));
    });

    private static double Unit(int k, uint j)
    {
        uint h = unchecked(j * 2654435761u + ((uint)k + 1) * 2246822519u + 374761393u);
        h = unchecked((h ^ h >> 15) * 2246822519u);
        h = unchecked((h ^ h >> 13) * 3266489917u);
        return ((h ^ h >> 16) / 4294967296.0 * 2 - 1) * 1.7320508075688772;
    }
}
