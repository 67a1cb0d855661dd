using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Hugging Face's <c>config.json</c> of a <c>CLIPModel</c>, read and written.</summary>
internal static class HuggingFaceConfig
{
    /// <summary>The end token's id in old files, whose meaning is: pool at the largest id.</summary>
    private const int PoolAtLargest = 2;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static ClipConfig Load(string path)
    {
        try
        {
            var root = JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new FormatException("it is not a JSON object");
            string type = root["model_type"]?.GetValue<string>() ?? "clip";
            if (type != "clip") throw new FormatException($"\"model_type\" is \"{type}\"; \"clip\" is supported");
            var vision = Section(root, "vision_config");
            var text = Section(root, "text_config");
            int end = Integer(text, "eos_token_id", PoolAtLargest);
            var activations = new[] { vision, text }.Select(section => section["hidden_act"]?.GetValue<string>() ?? "quick_gelu").Distinct().ToList();
            if (activations.Count > 1) throw new FormatException($"\"hidden_act\" differs between the towers ({string.Join(" and ", activations)})");
            var config = new ClipConfig
            {
                Vision = new VisionConfig
                {
                    ImageSize = Integer(vision, "image_size", 224),
                    PatchSize = Integer(vision, "patch_size", 32),
                    Width = Integer(vision, "hidden_size", 768),
                    Layers = Integer(vision, "num_hidden_layers", 12),
                    Heads = Integer(vision, "num_attention_heads", 12),
                    MlpWidth = Integer(vision, "intermediate_size", 3072),
                },
                Text = new TextConfig
                {
                    ContextLength = Integer(text, "max_position_embeddings", 77),
                    VocabularySize = Integer(text, "vocab_size", 49408),
                    Width = Integer(text, "hidden_size", 512),
                    Layers = Integer(text, "num_hidden_layers", 12),
                    Heads = Integer(text, "num_attention_heads", 8),
                    MlpWidth = Integer(text, "intermediate_size", 2048),
                    EndOfTextId = end == PoolAtLargest ? null : end,
                },
                EmbeddingWidth = Integer(root, "projection_dim", 512),
                Activation = activations[0] switch
                {
                    "quick_gelu" => Activation.QuickGelu,
                    "gelu" => Activation.Gelu,
                    var other => throw new FormatException($"\"hidden_act\" is \"{other}\"; \"quick_gelu\" and \"gelu\" are supported"),
                },
                LayerNormEpsilon = vision["layer_norm_eps"]?.GetValue<double>() ?? 1e-5,
            };
            config.Validate();
            return config;
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException or ArgumentException)
        {
            throw new CheckpointException($"{path} does not describe a CLIP: {exception.Message}.", exception);
        }
    }

    internal static string Text(ClipConfig config)
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
            ["torch_dtype"] = "float32",
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

    private static JsonObject Section(JsonObject root, string key) => root[key] as JsonObject ?? throw new FormatException($"\"{key}\" is missing");

    private static int Integer(JsonObject section, string key, int otherwise)
    {
        if (section[key] is not { } node) return otherwise;
        return node is JsonValue value && value.TryGetValue(out int number) ? number : throw new FormatException($"\"{key}\" is {node.ToJsonString()}, not a whole number");
    }
}
