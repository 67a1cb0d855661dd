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

    /// <summary>What transformers' <c>CLIPTextConfig</c> takes for the end token where a file names none.</summary>
    private const int DefaultEnd = 49407;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static ClipConfig Load(string path) => ConfigSection.Load(path, Read);

    internal static string Text(ClipConfig config, ScalarType type)
    {
        string activation = Word(config.Activation);
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
            ["torch_dtype"] = TypeName(type),
            ["vision_config"] = VisionSection(config.Vision, config.VisionBlock, "clip_vision_model"),
        };
        json["vision_config"]!["projection_dim"] = config.EmbeddingWidth;
        return json.ToJsonString(Indented) + "\n";
    }

    /// <summary>An image tower's section, as CLIP's and SigLIP's files both have it.</summary>
    internal static JsonObject VisionSection(VisionConfig config, BlockShape block, string modelType) => new()
    {
        ["hidden_act"] = Word(block.Activation),
        ["hidden_size"] = config.Width,
        ["image_size"] = config.ImageSize,
        ["intermediate_size"] = block.MlpWidth,
        ["layer_norm_eps"] = block.LayerNormEpsilon,
        ["model_type"] = modelType,
        ["num_attention_heads"] = config.Heads,
        ["num_channels"] = 3,
        ["num_hidden_layers"] = config.Layers,
        ["patch_size"] = config.PatchSize,
    };

    /// <summary>An element type as PyTorch names it.</summary>
    internal static string TypeName(ScalarType type) => type switch { ScalarType.Float16 => "float16", ScalarType.BFloat16 => "bfloat16", ScalarType.Float64 => "float64", _ => "float32" };

    /// <summary>The image tower of a CLIP's configuration, or of a tower's own (<c>clip_vision_model</c>).</summary>
    internal static (VisionConfig Config, BlockShape Block, int EmbeddingWidth) LoadVision(string path) => ConfigSection.Load(path, root =>
    {
        var section = IsTower(root, "clip_vision_model") ? root : Tower(root, "vision_config");
        RefuseOtherModels(root);
        var config = Vision(section);
        config.Validate();
        return (config, Block(section, config.Width, config.Heads, config.MlpWidth), root.Count("projection_dim", 512));
    });

    /// <summary>The text tower of a CLIP's configuration, or of a tower's own (<c>clip_text_model</c>).</summary>
    internal static (TextConfig Config, BlockShape Block, int EmbeddingWidth) LoadText(string path) => ConfigSection.Load(path, root =>
    {
        var section = IsTower(root, "clip_text_model") ? root : Tower(root, "text_config");
        RefuseOtherModels(root);
        var config = Text(section);
        config.Validate();
        return (config, Block(section, config.Width, config.Heads, config.MlpWidth), root.Count("projection_dim", 512));
    });

    private static bool IsTower(ConfigSection root, string tower) => root.Word("model_type", "clip") switch
    {
        "clip" => false,
        var type when type == tower => true,
        var other => throw ConfigSection.Unsupported($"\"model_type\" is \"{other}\"; \"clip\" and \"{tower}\" are supported here"),
    };

    private static ClipConfig Read(ConfigSection root)
    {
        string type = root.Word("model_type", "clip");
        if (type is "clip_vision_model" or "clip_text_model")
            throw new NotSupportedException($"\"model_type\" is \"{type}\", one tower alone: ClipCheckpoint.{(type == "clip_vision_model" ? "VisionFromPretrained" : "TextFromPretrained")} loads it");
        if (type == "siglip") throw new NotSupportedException("\"model_type\" is \"siglip\": SiglipCheckpoint.FromPretrained loads it");
        if (type != "clip") throw ConfigSection.Unsupported($"\"model_type\" is \"{type}\"; \"clip\" is supported");
        RefuseOtherModels(root);
        ConfigSection vision = Tower(root, "vision_config"), text = Tower(root, "text_config");
        var config = new ClipConfig
        {
            Vision = Vision(vision),
            Text = Text(text),
            EmbeddingWidth = root.Count("projection_dim", 512),
            Activation = Same("hidden_act", Activation(vision), Activation(text)),
            LayerNormEpsilon = Same("layer_norm_eps", vision.Number("layer_norm_eps", 1e-5), text.Number("layer_norm_eps", 1e-5)),
        };
        config.Validate();
        return config;
    }

    /// <summary>Older files give a tower's values a second time, and transformers makes the whole tower of these: what they leave out has its default, whatever the first section says.</summary>
    private static ConfigSection Tower(ConfigSection root, string key)
    {
        var tower = root.Section(key, key + "_dict");
        RefuseOtherModels(tower);
        return tower;
    }

    /// <summary>Refuses what makes another model of a configuration of known type: quantised weights, code of its own, heads taken out.</summary>
    internal static void RefuseOtherModels(ConfigSection section) => section.Refuse("quantization_config", "auto_map", "pruned_heads");

    private static VisionConfig Vision(ConfigSection vision)
    {
        int channels = vision.Count("num_channels", 3);
        if (channels != 3) throw ConfigSection.Unsupported($"\"{vision.Name("num_channels")}\" is {channels}; 3 is supported");
        return new VisionConfig
        {
            ImageSize = vision.Count("image_size", 224, 16384),
            PatchSize = vision.Count("patch_size", 32, 16384),
            Width = vision.Count("hidden_size", 768),
            Layers = vision.Count("num_hidden_layers", 12, 1024),
            Heads = vision.Count("num_attention_heads", 12),
            MlpWidth = vision.Count("intermediate_size", 3072, 1 << 20),
        };
    }

    private static TextConfig Text(ConfigSection text)
    {
        int end = text.Id("eos_token_id", DefaultEnd), vocabulary = text.Count("vocab_size", 49408, 1 << 24);
        if (end >= vocabulary && end != PoolAtLargest) throw new FormatException($"\"{text.Name("eos_token_id")}\" is {(text.Has("eos_token_id") ? end : $"missing, which means {end}")}; it must be below \"vocab_size\" ({vocabulary})");
        return new TextConfig
        {
            ContextLength = text.Count("max_position_embeddings", 77),
            VocabularySize = vocabulary,
            Width = text.Count("hidden_size", 512),
            Layers = text.Count("num_hidden_layers", 12, 1024),
            Heads = text.Count("num_attention_heads", 8),
            MlpWidth = text.Count("intermediate_size", 2048, 1 << 20),
            EndOfTextId = end == PoolAtLargest ? null : end,
        };
    }

    private static BlockShape Block(ConfigSection tower, int width, int heads, int? mlpWidth)
    {
        double epsilon = tower.Number("layer_norm_eps", 1e-5);
        return epsilon > 0 ? new BlockShape(width, heads, mlpWidth ?? 4 * width, Activation(tower), epsilon) : throw new FormatException($"\"{tower.Name("layer_norm_eps")}\" is {epsilon}; it must be above 0");
    }

    internal static Activation Activation(ConfigSection tower, string otherwise = "quick_gelu") => tower.Word("hidden_act", otherwise) switch
    {
        "quick_gelu" => Models.Activation.QuickGelu,
        "gelu" => Models.Activation.Gelu,
        "gelu_pytorch_tanh" or "gelu_new" => Models.Activation.GeluTanh,
        var other => throw ConfigSection.Unsupported($"\"{tower.Name("hidden_act")}\" is \"{other}\"; \"quick_gelu\", \"gelu\" and \"gelu_pytorch_tanh\" are supported"),
    };

    /// <summary>Hugging Face's name of a non-linearity.</summary>
    internal static string Word(Activation activation) => activation switch
    {
        Models.Activation.QuickGelu => "quick_gelu",
        Models.Activation.Gelu => "gelu",
        Models.Activation.GeluTanh => "gelu_pytorch_tanh",
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, null),
    };

    internal static T Same<T>(string key, T vision, T text) where T : notnull => vision.Equals(text)
        ? vision
        : throw ConfigSection.Unsupported($"\"{key}\" differs between the towers: {vision} in vision_config, {text} in text_config");
}
