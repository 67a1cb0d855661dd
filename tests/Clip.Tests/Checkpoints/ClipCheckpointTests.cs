using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>Reference: models/, made by openai/CLIP's model class on PyTorch 2.14.1; hf.safetensors are the same weights under Hugging Face's names.</summary>
public sealed class ClipCheckpointTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("checkpoint").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Of the largest magnitude: float32 against float64 gave up to 1e-6 of it, 2e-6 for the ResNet (reference README, "Tolerances seen").
    [Theory]
    [InlineData("vit_p8_i32", "hf.safetensors", true, "")]
    [InlineData("vit_p14_i28", "hf.safetensors", true, "")]
    [InlineData("vit_p14_i28", "openai.safetensors", false, "")]
    [InlineData("vit_p14_i28", "openai_fp16.safetensors", false, "fp16.")]
    [InlineData("rn_1111_i64", "openai.safetensors", false, "", 5e-5)]
    public void A_reference_model_gives_the_reference_outputs(string name, string file, bool config, string prefix, double tolerance = 1e-5)
    {
        Prepare(name, file, config);
        using var model = ClipCheckpoint.FromPretrained(_folder);
        using var inputs = SafetensorsFile.Open(Repository.Reference("models", name, "inputs.safetensors"));
        using var outputs = SafetensorsFile.Open(Repository.Reference("models", name, "outputs.safetensors"));
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        Tensor images = inputs.Read("images"), ids = inputs.Read("token_ids");
        Close.Relative(outputs.Read(prefix + "encode_image"), model.EncodeImage(images), tolerance);
        Close.Relative(outputs.Read(prefix + "encode_text"), model.EncodeText(ids), tolerance);
        Close.Relative(outputs.Read(prefix + "logits_per_image"), model.call(images, ids).LogitsPerImage, tolerance);
    }

    [Fact]
    public void A_saved_model_comes_back_bit_for_bit()
    {
        random.manual_seed(3);
        using var model = new ClipModel(Small);
        ClipCheckpoint.SavePretrained(model, _folder);
        using var loaded = ClipCheckpoint.FromPretrained(_folder);
        Assert.Equal(model.Config with { Vision = model.Config.Vision with { MlpWidth = 64 }, Text = model.Config.Text with { MlpWidth = 64 } }, loaded.Config);
        var (before, after) = (model.state_dict(), loaded.state_dict());
        Assert.Equal(before.Keys, after.Keys);
        foreach (string key in before.Keys) Assert.True(before[key].equal(after[key]).all().item<bool>(), key);
        Assert.Equal(["config.json", "model.safetensors"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Loading_leaves_no_tensor_but_the_models()
    {
        Prepare("vit_p14_i28", "hf.safetensors", true);
        var statistics = TorchSharp.DisposeScopeManager.Statistics.TensorStatistics;
        using (var warm = ClipCheckpoint.FromPretrained(_folder)) { }
        long before = statistics.ThreadTotalLiveCount;
        using (var model = ClipCheckpoint.FromPretrained(_folder)) { }
        Assert.Equal(before, statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void A_configuration_that_contradicts_the_weights_is_named()
    {
        Prepare("vit_p8_i32", "hf.safetensors", true);
        string config = Path.Combine(_folder, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"patch_size\": 8", "\"patch_size\": 16", StringComparison.Ordinal));
        var error = Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder));
        Assert.Contains("vision_model.embeddings.patch_embedding.weight is (128, 3, 8, 8), the configuration asks for (128, 3, 16, 16): see vision_config.hidden_size and patch_size", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_and_left_over_tensors_are_listed()
    {
        random.manual_seed(3);
        using var model = new ClipModel(Small);
        ClipCheckpoint.SavePretrained(model, _folder);
        string weights = Path.Combine(_folder, "model.safetensors");
        var tensors = new Dictionary<string, Tensor>();
        using (var file = SafetensorsFile.Open(weights))
            foreach (var entry in file.Entries) tensors[entry.Name == "logit_scale" ? "logit_scales" : entry.Name] = file.Read(entry.Name);
        SafetensorsFile.Write(weights, tensors);
        var error = Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder));
        Assert.Contains("logit_scale is missing", error.Message, StringComparison.Ordinal);
        Assert.Contains("logit_scales is left over", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_model_says_what_was_looked_for()
    {
        Assert.Contains("model.safetensors", Assert.Throws<FileNotFoundException>(() => ClipCheckpoint.FromPretrained(_folder)).Message, StringComparison.Ordinal);
        Assert.Contains("no model folder", Assert.Throws<FileNotFoundException>(() => ClipCheckpoint.FromPretrained(Path.Combine(_folder, "none"))).Message, StringComparison.Ordinal);
    }

    private static ClipConfig Small => new()
    {
        Vision = new VisionConfig { ImageSize = 16, PatchSize = 8, Width = 16, Layers = 1, Heads = 2 },
        Text = new TextConfig { ContextLength = 8, VocabularySize = 20, Width = 16, Layers = 2, Heads = 2, EndOfTextId = 19 },
        EmbeddingWidth = 8,
        Activation = Activation.Gelu,
    };

    private void Prepare(string name, string file, bool config)
    {
        File.Copy(Repository.Reference("models", name, file), Path.Combine(_folder, "model.safetensors"));
        if (config) File.Copy(Repository.Reference("models", name, "config.json"), Path.Combine(_folder, "config.json"));
    }
}
