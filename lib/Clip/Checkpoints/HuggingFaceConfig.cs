using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Hugging Face's <c>config.json</c> of a <c>CLIPModel</c>, read and written.</summary>
internal static class HuggingFaceConfig
{
    /// <summary>The end token's id in old files, whose meaning is: pool at the largest id.</summary>
    private const int PoolAtLargest = 2;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static ClipConfig Load(string path) => ConfigSection.Load(path, Read);

    internal static string Text(ClipConfig config, ScalarType type)
    {
        string activation = config.Activation == Activation.QuickGelu ? "quick_gelu" : "gelu";
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray("CLIPModel"),
            ["logit_scale_init_value"] = Math.Round(Math.Log(1 / config.InitialTemperature), 4),
            ["model_type"] = "clip",
            ["projection_dim"] = config.EmbeddingWidth,
            ["text_config"] = new JsonObject
            {
                ["bos_token_id"] = config.Text.VocabularySize - 2,
                ["eos_token_id"] = config.Text.EndOfTextId ?? PoolAtLargest,
                ["hidden_act"] = activation,
                ["hidden_size"] = config.Text.Width,
                ["intermediate_size"] = config.TextBlock.MlpWidth,
                ["layer_norm_eps"] = config.LayerNormEpsilon,
                ["max_position_embeddings"] = config.Text.ContextLength,
                ["model_type"] = "clip_text_model",
                ["num_attention_heads"] = config.Text.Heads,
                ["num_hidden_layers"] = config.Text.Layers,
                ["pad_token_id"] = 1,
                ["projection_dim"] = config.EmbeddingWidth,
                ["vocab_size"] = config.Text.VocabularySize,
            },
            ["torch_dtype"] = type switch { ScalarType.Float16 => "float16", ScalarType.BFloat16 => "bfloat16", ScalarType.Float64 => "float64", _ => "float32" },
            ["vision_config"] = new JsonObject
            {
                ["hidden_act"] = activation,
                ["hidden_size"] = config.Vision.Width,
                ["image_size"] = config.Vision.ImageSize,
                ["intermediate_size"] = config.VisionBlock.MlpWidth,
                ["layer_norm_eps"] = config.LayerNormEpsilon,
                ["model_type"] = "clip_vision_model",
                ["num_attention_heads"] = config.Vision.Heads,
                ["num_channels"] = 3,
                ["num_hidden_layers"] = config.Vision.Layers,
                ["patch_size"] = config.Vision.PatchSize,
                ["projection_dim"] = config.EmbeddingWidth,
            },
        };
        return json.ToJsonString(Indented) + "\n";
    }

    private static ClipConfig Read(ConfigSection root)
    {
        string type = root.Word("model_type", "clip");
        if (type != "clip") throw new FormatException($"\"model_type\" is \"{type}\"; \"clip\" is supported");
        // Older files give a tower's values twice, and the second time counts.
        ConfigSection vision = root.Section("vision_config", "vision_config_dict"), text = root.Section("text_config", "text_config_dict");
        int channels = vision.Count("num_channels", 3);
        if (channels != 3) throw new FormatException($"\"vision_config.num_channels\" is {channels}; 3 is supported");
        int end = text.Id("eos_token_id", PoolAtLargest);
        var config = new ClipConfig
        {
            Vision = new VisionConfig
            {
                ImageSize = vision.Count("image_size", 224, 16384),
                PatchSize = vision.Count("patch_size", 32, 16384),
                Width = vision.Count("hidden_size", 768),
                Layers = vision.Count("num_hidden_layers", 12, 1024),
                Heads = vision.Count("num_attention_heads", 12),
                MlpWidth = vision.Count("intermediate_size", 3072, 1 << 20),
            },
            Text = new TextConfig
            {
                ContextLength = text.Count("max_position_embeddings", 77),
                VocabularySize = text.Count("vocab_size", 49408, 1 << 24),
                Width = text.Count("hidden_size", 512),
                Layers = text.Count("num_hidden_layers", 12, 1024),
                Heads = text.Count("num_attention_heads", 8),
                MlpWidth = text.Count("intermediate_size", 2048, 1 << 20),
                EndOfTextId = end == PoolAtLargest ? null : end,
            },
            EmbeddingWidth = root.Count("projection_dim", 512),
            Activation = Same("hidden_act", vision.Word("hidden_act", "quick_gelu"), text.Word("hidden_act", "quick_gelu")) switch
            {
                "quick_gelu" => Activation.QuickGelu,
                "gelu" => Activation.Gelu,
                var other => throw new FormatException($"\"hidden_act\" is \"{other}\"; \"quick_gelu\" and \"gelu\" are supported"),
            },
            LayerNormEpsilon = Same("layer_norm_eps", vision.Number("layer_norm_eps", 1e-5), text.Number("layer_norm_eps", 1e-5)),
        };
        config.Validate();
        return config;
    }

    private static T Same<T>(string key, T vision, T text) where T : IEquatable<T> => vision.Equals(text)
        ? vision
        : throw new FormatException($"\"{key}\" differs between the towers: {vision} in vision_config, {text} in text_config");
}
