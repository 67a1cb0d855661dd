using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>
/// Reference: models/, whose outputs come from openai/CLIP's class; Hugging Face's hidden states equalled them exactly (the reference's
/// README), so 1e-5 of the largest magnitude is another order of summation.
/// </summary>
public sealed class TowerTests : IDisposable
{
    private const double Tolerance = 1e-5;

    private readonly string _folder = Directory.CreateTempSubdirectory("tower").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string, bool, bool> Folders => new()
    {
        { "hf.safetensors", false, true }, { "hf.safetensors", true, true }, { "hf.safetensors", true, false },
            { "openai.safetensors", false, true },
    };

    [Theory]
    [MemberData(nameof(Folders))]
    public void The_image_tower_alone_gives_the_whole_models_outputs(string file, bool alone, bool projected)
    {
        Prepare(file, alone ? "vision" : null, projected);
        using var tower = ClipCheckpoint.VisionFromPretrained(_folder);
        using var inputs = SafetensorsFile.Open(Repository.Reference("models", "vit_p8_i32", "inputs.safetensors"));
        using var outputs = SafetensorsFile.Open(Repository.Reference("models", "vit_p8_i32", "outputs.safetensors"));
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var trace = new Trace();
        var images = inputs.Read("images");
        Assert.Equal(projected, tower.HasProjection);
        Close.Relative(outputs.Read("vision.ln_post"), tower.Pooled(images), Tolerance);
        Close.Relative(outputs.Read("vision.hidden.3"), tower.LastHiddenState(images, trace), Tolerance);
        Close.Relative(outputs.Read(projected ? "encode_image" : "vision.ln_post"), tower.call(images), Tolerance);
        for (int i = 0; i <= 3; i++) Close.Relative(outputs.Read($"vision.hidden.{i}"), trace[$"hidden.{i}"], Tolerance);
        Assert.Equal([3L, 2, 17, 17], trace["attention.3"].shape);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void The_text_tower_alone_gives_the_whole_models_outputs(string file, bool alone, bool projected)
    {
        Prepare(file, alone ? "text" : null, projected);
        using var tower = ClipCheckpoint.TextFromPretrained(_folder);
        using var inputs = SafetensorsFile.Open(Repository.Reference("models", "vit_p8_i32", "inputs.safetensors"));
        using var outputs = SafetensorsFile.Open(Repository.Reference("models", "vit_p8_i32", "outputs.safetensors"));
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var trace = new Trace();
        Tensor ids = inputs.Read("token_ids"), last = outputs.Read("text.ln_final");
        var pooled = stack([.. inputs.Read("eot_positions").data<long>().Select((position, row) => last[row, position])]);
        Assert.Equal(projected, tower.HasProjection);
        Close.Relative(pooled, tower.Pooled(ids), Tolerance);
        Close.Relative(last, tower.LastHiddenState(ids, trace), Tolerance);
        Close.Relative(projected ? outputs.Read("encode_text") : pooled, tower.call(ids), Tolerance);
        for (int i = 0; i <= 3; i++) Close.Relative(outputs.Read($"text.hidden.{i}"), trace[$"hidden.{i}"], Tolerance);
        Assert.Equal([4L, 2, 77, 77], trace["attention.3"].shape);
    }

    [Fact]
    public void Pooled_outputs_of_ViT_B_32_have_Hugging_Faces_shapes()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        // no shape hangs on these
        var config = ClipConfig.ViTB32 with { Vision = ClipConfig.ViTB32.Vision with { Layers = 1 },
            Text = ClipConfig.ViTB32.Text with { Layers = 1, VocabularySize = 10 } };
        using VisionTransformer image = new(config);
        using TextTransformer text = new(config);
        var (pixels, ids) = (zeros(1, 3, 224, 224), zeros(3, 77, dtype: int64));
        Assert.Equal([[1L, 768], [3L, 512], [1L, 50, 768], [3L, 77, 512]],
            new[] { image.Pooled(pixels), text.Pooled(ids), image.LastHiddenState(pixels), text.LastHiddenState(ids) }.Select(
            t => t.shape));
    }

    [Fact]
    public void A_tower_in_half_the_width_and_one_without_a_projection_leave_no_tensor_behind()
    {
        Prepare("hf.safetensors", "text", projected: false);
        var statistics = DisposeScopeManager.Statistics.TensorStatistics;
        using (var warm = ClipCheckpoint.TextFromPretrained(_folder)) { }
        long before = statistics.ThreadTotalLiveCount;
        using (var tower = ClipCheckpoint.TextFromPretrained(_folder, dtype: bfloat16)) Assert.All(
            tower.parameters(), parameter => Assert.Equal(bfloat16, parameter.dtype));
        Assert.Equal(before, statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void A_folder_with_one_tower_says_which_call_loads_it()
    {
        Prepare("hf.safetensors", "vision", projected: true);
        Assert.Contains("VisionFromPretrained loads it",
            Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message, StringComparison.Ordinal);
        string message = Assert.Throws<CheckpointException>(() => ClipCheckpoint.TextFromPretrained(_folder)).Message;
        Assert.Contains("\"clip\" and \"clip_text_model\", ", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_towers_missing_and_left_over_tensors_are_listed()
    {
        Prepare("hf.safetensors", "vision", projected: true, name =>
            name == "vision_model.post_layernorm.bias" ? "vision_model.post_norm.bias" : name);
        string message = Assert.Throws<CheckpointException>(() => ClipCheckpoint.VisionFromPretrained(_folder)).Message;
        Assert.Contains("vision_model.post_layernorm.bias is missing; vision_model.post_norm.bias is left over", message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_ResNet_does_not_stand_alone()
    {
        string file = Repository.Reference("models", "rn_1111_i64", "openai.safetensors");
        Assert.Contains("is convolutional", Assert.Throws<CheckpointException>(() => ClipCheckpoint.VisionFromPretrained(file)).Message,
            StringComparison.Ordinal);
        using var text = ClipCheckpoint.TextFromPretrained(file);
        Assert.Equal((64, 2), (text.Config.Width, text.Config.Layers));
    }

    /// <summary>The reference's whole model, or one tower of it as Hugging Face's CLIPVisionModel and CLIPTextModel save it.</summary>
    private void Prepare(string file, string? tower, bool projected, Func<string, string>? rename = null)
    {
        using var scope = NewDisposeScope();
        using var whole = SafetensorsFile.Open(Repository.Reference("models", "vit_p8_i32", file));
        var names = whole.Names.Where(name => tower is null || name.StartsWith($"{tower}_model.", StringComparison.Ordinal) || projected
            && name == $"{(tower == "vision" ? "visual" : tower)}_projection.weight");
        SafetensorsFile.Write(Path.Combine(_folder, "model.safetensors"),
            names.ToDictionary(name => rename?.Invoke(name) ?? name, whole.Read));
        if (!file.StartsWith("hf", StringComparison.Ordinal)) return;
        string config = File.ReadAllText(Repository.Reference("models", "vit_p8_i32", "config.json"));
        File.WriteAllText(Path.Combine(_folder, "config.json"),
            tower is null ? config : JsonNode.Parse(config)![$"{tower}_config"]!.ToJsonString());
    }
}
