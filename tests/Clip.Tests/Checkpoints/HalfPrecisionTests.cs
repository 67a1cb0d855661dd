using System.Text.Json;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>
/// Every family loaded in half the width: embeddings point where float32's point. bfloat16 has 8 bits, a relative error of 2^-9 in each of
/// a few dozen roundings, which leaves the cosine above 0.999. The reference's models (models/).
/// </summary>
public sealed class HalfPrecisionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("half").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string, ScalarType> Families
    {
        get
        {
            var data = new TheoryData<string, ScalarType>();
            foreach (string family in new[] { "vit_p8_i32/hf.safetensors", "vit_p14_i28/hf.safetensors",
                "vit_p14_i28/openai_fp16.safetensors", "rn_1111_i64/openai.safetensors", "open_clip/model.safetensors", "siglip" })
                foreach (var type in new[] { bfloat16, float16 }) data.Add(family, type);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Embeddings_keep_a_cosine_of_0_999_with_float32(string family, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        var (single, half) = family == "siglip" ? Siglip(type) : Clip(family.Split('/'), type);
        foreach (var (expected, actual) in single.Zip(half))
        {
            Assert.Equal(type, actual.dtype);
            double cosine = nn.functional.cosine_similarity(expected, actual.to(float32), 1).min().ToDouble();
            Assert.True(cosine >= 0.999, $"the cosine is {cosine}");
        }
    }

    private (Tensor[] Single, Tensor[] Half) Clip(string[] file, ScalarType type)
    {
        bool openClip = file[0] == "open_clip";
        string reference = Repository.Reference("models", file[0]);
        File.Copy(Path.Combine(reference, file[1]), Path.Combine(_folder, openClip ? "open_clip_model.safetensors" : "model.safetensors"));
        if (file[1] == "hf.safetensors") File.Copy(Path.Combine(reference, "config.json"), Path.Combine(_folder, "config.json"));
        if (openClip)
        {
            using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(reference, "open_clip.json")));
            File.WriteAllText(Path.Combine(_folder, "open_clip_config.json"), json.RootElement.GetProperty("config").ToString());
        }
        using var inputs = SafetensorsFile.Open(Path.Combine(reference, "inputs.safetensors"));
        Tensor images = inputs.Read("images"), ids = inputs.Read("token_ids");
        using ClipModel single = ClipCheckpoint.FromPretrained(_folder), half = ClipCheckpoint.FromPretrained(_folder, dtype: type);
        return ([single.EncodeImage(images), single.EncodeText(ids)], [half.EncodeImage(images.to(type)), half.EncodeText(ids)]);
    }

    private static (Tensor[] Single, Tensor[] Half) Siglip(ScalarType type)
    {
        string folder = Repository.Reference("models", "siglip");
        using ClipModel single = ClipCheckpoint.FromPretrained(folder), half = ClipCheckpoint.FromPretrained(folder, dtype: type);
        using var recorded = SafetensorsFile.Open(Path.Combine(folder, "outputs.safetensors"));
        Tensor images = recorded.Read("images"), ids = recorded.Read("token_ids");
        return ([single.EncodeImage(images), single.EncodeText(ids)], [half.EncodeImage(images.to(type)), half.EncodeText(ids)]);
    }
}
