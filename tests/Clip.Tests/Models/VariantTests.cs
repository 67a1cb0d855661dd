using System.Text.Json;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Models;

/// <summary>
/// Reference: the nine sizes as openai/CLIP's classes build them (fullsize.json). Built on <c>meta</c>, without memory for the weights.
/// </summary>
public sealed class VariantTests
{
    private static readonly Dictionary<string, ClipConfig> Variants = new()
    {
        ["ViT-B/32"] = ClipConfig.ViTB32,
        ["ViT-B/16"] = ClipConfig.ViTB16,
        ["ViT-L/14"] = ClipConfig.ViTL14,
        ["ViT-L/14@336px"] = ClipConfig.ViTL14At336,
        ["RN50"] = ClipConfig.RN50,
        ["RN101"] = ClipConfig.RN101,
        ["RN50x4"] = ClipConfig.RN50x4,
        ["RN50x16"] = ClipConfig.RN50x16,
        ["RN50x64"] = ClipConfig.RN50x64,
    };

    /// <summary>
    /// open_clip 4.2.0.dev0: src/open_clip/model_configs/NAME.json without its context length and vocabulary (the usual 77 and 49408), and
    /// docs/model_profile.csv in millions.
    /// </summary>
    public static TheoryData<string, string, long, double, double> OpenClipVariants => new()
    {
        {
            "ViT-H-14",
            """
            { "embed_dim": 1024, "vision_cfg": { "image_size": 224, "layers": 32, "width": 1280, "head_width": 80, "patch_size": 14 },
              "text_cfg": { "width": 1024, "heads": 16, "layers": 24 } }
            """,
            986_109_441, 632.08, 354.03
        },
        {
            "ViT-g-14",
            """
            { "embed_dim": 1024, "vision_cfg": { "image_size": 224, "layers": 40, "width": 1408, "head_width": 88,
                "mlp_ratio": 4.3637, "patch_size": 14 },
              "text_cfg": { "width": 1024, "heads": 16, "layers": 24 } }
            """,
            1_366_678_273, 1012.65, 354.03
        },
        {
            "ViT-bigG-14",
            """
            { "embed_dim": 1280, "vision_cfg": { "image_size": 224, "layers": 48, "width": 1664, "head_width": 104,
                "mlp_ratio": 4.9231, "patch_size": 14 },
              "text_cfg": { "width": 1280, "heads": 20, "layers": 32 } }
            """,
            2_539_567_105, 1844.91, 694.66
        },
    };

    public static TheoryData<string> Names => [.. Variants.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Configuration_parameters_and_state_equal_the_published_models(string name)
    {
        using var scope = NewDisposeScope();
        var expected = JsonDocument.Parse(File.ReadAllText(
            Repository.Reference("models", "fullsize", "fullsize.json"))).RootElement.GetProperty(name);
        Assert.Equal(ReferenceModel.Config(expected), Variants[name]);

        using var model = new ClipModel(Variants[name], device("meta"));
        Assert.Equal(expected.GetProperty("parameters").GetInt64(), model.parameters().Sum(p => p.numel()));
        Assert.Equal(expected.GetProperty("vision_parameters").GetInt64(), model.ImageTower.parameters().Sum(p => p.numel()));
        var state = model.state_dict();
        Assert.Equal(expected.GetProperty("state_dict_entries").GetInt32(), state.Count);
        if (!expected.TryGetProperty("state_dict", out var listing)) return;
        string[] entries = [.. listing.EnumerateArray().Select(e => $"{e.GetProperty("name")} " +
            $"[{string.Join(",", e.GetProperty("shape").EnumerateArray())}]")];
        string[] parameters = [.. model.named_parameters().Select(p => $"{p.name} [{string.Join(",", p.parameter.shape)}]")];
        Assert.Equal(entries.Where(parameters.Contains), parameters);
        // TorchSharp lists the running statistics after all parameters, PyTorch module by module.
        Assert.Equal(entries.Order(StringComparer.Ordinal),
            state.Select(e => $"{e.Key} [{string.Join(",", e.Value.shape)}]").Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(OpenClipVariants))]
    public void OpenCLIPs_larger_models_have_their_published_configuration_and_parameters(
        string name, string json, long parameters, double imageMillions, double textMillions)
    {
        using var scope = NewDisposeScope();
        var config = name switch { "ViT-H-14" => ClipConfig.ViTH14, "ViT-g-14" => ClipConfig.ViTg14, _ => ClipConfig.ViTBigG14 };
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, json);
            var read = OpenClipConfig.Load(path);
            Assert.Equal(config, read with { Vision = read.Vision with { MlpWidth = config.Vision.MlpWidth },
                Text = read.Text with { MlpWidth = null } });
            Assert.Equal((config.VisionBlock, config.TextBlock), (read.VisionBlock, read.TextBlock));
        }
        finally
        {
            File.Delete(path);
        }
        using var model = new ClipModel(config, META);
        long image = model.ImageTower.parameters().Sum(p => p.numel()), text = model.Text.parameters().Sum(p => p.numel());
        Assert.Equal(parameters, image + text + 1);
        Assert.Equal((imageMillions, textMillions), (Math.Round(image / 1e6, 2), Math.Round(text / 1e6, 2)));
    }
}
