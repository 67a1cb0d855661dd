using System.Globalization;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Families;

/// <summary>
/// The families at the sizes they are published in: their configurations (OpenCLIP's src/open_clip/model_configs) give towers of as many
/// parameters as their sources count, on <c>meta</c>, where they take no memory. <c>clipbook models</c> shows the same numbers.
/// </summary>
public sealed class PublishedShapeTests : IDisposable
{
    private const string Profile = "OpenCLIP's docs/model_profile.csv", Here = "counted here alone";

    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    // Of those counted here alone, apple/ml-mobileclip's README has 35.7 + 63.4 and 11.4 + 63.4, of one branch for each of the image
    // tower's parts, and apps/pe/README.md of facebookresearch/perception_models 0.09 and 0.32 billion for the image towers.
    [Theory]
    [InlineData("EVA02-B-16", 512, "eva02_base_patch16_clip_224, 224, token", "77, 512, 8, 12", 86.26, 63.43, 149.69, Profile)]
    [InlineData("EVA02-L-14-336", 768, "eva02_large_patch14_clip_336, 336, token", "77, 768, 12, 12", 304.43, 123.65, 428.08, Profile)]
    [InlineData("EVA01-g-14", 1024, "eva_giant_patch14_224, 224, token", "77, 768, 12, 12", 1012.59, 123.85, 1136.44, Profile)]
    [InlineData("EVA02-E-14", 1024, "eva02_enormous_patch14_clip_224, 224, token", "77, 1024, 16, 24", 4350.56, 354.03, 4704.59, Profile)]
    [InlineData("convnext_base_w", 640, "convnext_base, 256, , linear", "77, 640, 10, 12", 88.22, 91.16, 179.39, Profile)]
    [InlineData("convnext_xxlarge", 1024, "convnext_xxlarge, 256, , linear", "77, 1024, 16, 24", 846.54, 354.03, 1200.58, Profile)]
    [InlineData("PE-Core-B-16", 1024, "vit_pe_core_base_patch16_224, 224, map", "32, 1024, 16, 24", 93.67, 353.99, 447.66, Here)]
    [InlineData("PE-Core-L-14-336", 1024, "vit_pe_core_large_patch14_336, 336, map", "32, 1024, 16, 24", 317.15, 353.99, 671.14, Here)]
    [InlineData("MobileCLIP-S2", 512, "fastvit_mci2, 256, avg", "77, 512, 8, 12", 35.82, 63.43, 99.24, Here)]
    [InlineData("MobileCLIP2-S0", 512, "fastvit_mci0, 256, avg", "77, 512, 8, 12", 11.41, 63.43, 74.84, Here)]
    [InlineData("ViTamin-L-256", 768, "vitamin_large_256, 256, , linear", "77, 768, 12, 12", 333.38, 123.65, 457.03, Here)]
    public void A_configuration_gives_as_many_parameters_as_its_source_counts(
        string name, int embedding, string tower, string texts, double image, double text, double whole, string source)
    {
        string[] v = tower.Split(", "), t = texts.Split(", ");
        Count(name, $$"""
            { "embed_dim": {{embedding}}, "custom_text": true,
              "vision_cfg": { "timm_model_name": "{{v[0]}}", "timm_model_pretrained": false, "image_size": {{v[1]}},
                "timm_pool": "{{v[2]}}", "timm_proj": {{(v.Length > 3 ? $"\"{v[3]}\"" : "null")}} },
              "text_cfg": { "context_length": {{t[0]}}, "vocab_size": 49408, "width": {{t[1]}}, "heads": {{t[2]}}, "layers": {{t[3]}} } }
            """, image, text, whole, source);
    }

    [Theory]
    [InlineData("fastvit_mci2", 8)]
    [InlineData("fastvit_mci3", 4)]
    [InlineData("fastvit_mci4", 4)]
    public void The_grid_of_a_FastViT_is_that_of_its_last_stage(string tower, int side)
    {
        File.WriteAllText(_path, $$"""
            { "embed_dim": 512, "vision_cfg": { "timm_model_name": "{{tower}}", "timm_model_pretrained": false, "image_size": 256,
                "timm_pool": "avg", "timm_proj": null },
              "text_cfg": { "context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 1 } }
            """);
        using var scope = NewDisposeScope();
        var config = OpenClipConfig.Load(_path);
        // The same stages of fewer channels and blocks, since meta has no convolutions.
        var shape = (FastVitConfig)config.Vision.Convolutional!;
        using var model = new FastVit(config with { Vision = config.Vision with { Convolutional = shape with
        {
            Depths = [.. shape.Depths.Select(_ => 1)], Widths = [.. shape.Widths.Select(_ => 32)],
        } } });
        var features = model.Features(zeros(1, 3, 256, 256));
        Assert.Equal((side, (long)side, (long)side), (config.Vision.Grid, features.shape[2], features.shape[3]));
    }

    [Theory]
    [InlineData("ViT-B-16-SigLIP", "base", 16, 224, 768, 12, 12, 32000, 92.88, 110.27, 203.16, Profile)]
    [InlineData("ViT-L-16-SigLIP2-256", "large", 16, 256, 1024, 16, 24, 256000, 315.96, 565.57, 881.53, Here)]
    public void SigLIPs_configuration_gives_as_many_parameters_as_its_source_counts(string name, string size, int patch, int side,
        int width, int heads, int layers, int vocabulary, double image, double text, double whole, string source) => Count(name, $$"""
            { "embed_dim": {{width}}, "init_logit_bias": -10, "custom_text": true,
              "vision_cfg": { "timm_model_name": "vit_{{size}}_patch{{patch}}_siglip_{{side}}", "timm_model_pretrained": false,
                "image_size": {{side}}, "timm_pool": "map", "timm_proj": "none" },
              "text_cfg": { "context_length": 64, "vocab_size": {{vocabulary}}, "width": {{width}}, "heads": {{heads}},
                "layers": {{layers}}, "no_causal_mask": true, "proj_bias": true, "pool_type": "last", "norm_kwargs": { "eps": 1e-6 } } }
            """, image, text, whole, source);

    [Theory]
    [InlineData("roberta-ViT-B-32", "roberta-base", 87.85, 124.87, 212.72)]
    [InlineData("xlm-roberta-base-ViT-B-32", "xlm-roberta-base", 87.85, 278.27, 366.12)]
    public void RoBERTas_configuration_gives_as_many_parameters_as_its_source_counts(
        string name, string bert, double image, double text, double whole) => Count(name, $$"""
            { "embed_dim": 512, "vision_cfg": { "image_size": 224, "layers": 12, "width": 768, "patch_size": 32 },
              "text_cfg": { "hf_model_name": "{{bert}}", "hf_tokenizer_name": "{{bert}}", "hf_pooler_type": "mean_pooler" } }
            """, image, text, whole, Profile);

    /// <summary>timm has pretrained weights for a name and its own sizes, and none for another name with sizes as arguments.</summary>
    [Fact]
    public void A_tower_of_timms_is_written_under_a_name_that_has_its_sizes()
    {
        foreach (var (name, architecture) in TimmArchitecture.All)
        {
            string? projection = architecture.Shape.Convolutional is FastVitConfig ? null : "linear";
            var section = new JsonObject { ["timm_model_name"] = name, ["image_size"] = 224, ["timm_proj"] = projection };
            var (vision, activation, epsilon) = TimmConfig.Read(ConfigSection.Of(section, "vision_cfg."));
            var config = ClipConfig.ViTB16 with { Vision = vision, Activation = activation, LayerNormEpsilon = epsilon };
            var written = TimmConfig.Write(vision, config.VisionBlock);
            var sizes = written["timm_model_kwargs"]?.AsObject().Select(argument => argument.Key).Where(key => key != "img_size") ?? [];
            Assert.Equal((name, ""), (name, string.Join(", ", sizes)));
            Assert.Equal(architecture.Shape, TimmArchitecture.All[(string)written["timm_model_name"]!].Shape);
        }
    }

    private void Count(string name, string config, double image, double text, double whole, string source)
    {
        File.WriteAllText(_path, config);
        using var model = new ClipModel(OpenClipConfig.Load(_path), META);
        double all = Millions(model.parameters()), seen = Millions(model.ImageTower.parameters());
        string found = string.Create(CultureInfo.InvariantCulture, $"{name}: {seen:F2} + {all - seen:F2} = {all:F2} millions ({source})");
        Assert.True(Near(seen, image) && Near(all - seen, text) && Near(all, whole), found);

        static double Millions(IEnumerable<TorchSharp.Modules.Parameter> parameters) => parameters.Sum(p => p.numel()) / 1e6;

        // In the last figure that the source gives.
        static bool Near(double counted, double said) => Math.Abs(counted - said) < 0.0051;
    }
}
