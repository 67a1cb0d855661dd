using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Reads and writes Hugging Face's <c>config.json</c>: what all families of <see cref="HuggingFaceFamily"/> have in common, and CLIP's own.
/// </summary>
internal static class HuggingFaceConfig
{
    /// <summary>The end token's id in old files, which means: pool at the largest id.</summary>
    private const int PoolAtLargest = 2;

    /// <summary>The end token's id in transformers' <c>CLIPTextConfig</c> where a file names none.</summary>
    private const int DefaultEnd = 49407;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static ClipConfig Load(string path) => ConfigSection.Load(path, root => Family(root).Read(root));

    internal static string Text(ClipConfig config, ScalarType type)
    {
        var family = HuggingFaceFamily.Of(config);
        var json = family.Write(config);
        json["architectures"] = new JsonArray(family.Class);
        json["model_type"] = family.ModelType;
        json["torch_dtype"] = TypeName(type);
        var sorted = json.OrderBy(value => value.Key, StringComparer.Ordinal);
        var copies = sorted.Select(value => KeyValuePair.Create(value.Key, value.Value?.DeepClone()));
        return new JsonObject(copies).ToJsonString(Indented) + "\n";
    }

    internal static JsonObject WriteClip(ClipConfig config, string modelType)
    {
        var text = TextSection(config.Text, config.TextBlock, $"{modelType}_text_model");
        var vision = VisionSection(config.Vision, config.VisionBlock, $"{modelType}_vision_model");
        bool clip = modelType == "clip";
        text["bos_token_id"] = clip ? config.Text.VocabularySize - 2 : 0;
        text["eos_token_id"] = config.Text.EndOfTextId ?? PoolAtLargest;
        text["pad_token_id"] = clip ? 1 : config.Text.PaddingId;
        text["projection_dim"] = config.EmbeddingWidth;
        vision["projection_dim"] = config.EmbeddingWidth;
        return new JsonObject
        {
            ["logit_scale_init_value"] = Float(Math.Round(Math.Log(1 / config.InitialTemperature), 4)),
            ["projection_dim"] = config.EmbeddingWidth,
            ["text_config"] = text,
            ["vision_config"] = vision,
        };
    }

    /// <summary>A text tower's section, as all families' files have it.</summary>
    internal static JsonObject TextSection(TextConfig config, BlockShape block, string modelType) => new()
    {
        ["hidden_act"] = Word(block.Activation),
        ["hidden_size"] = config.Width,
        ["intermediate_size"] = block.MlpWidth,
        ["layer_norm_eps"] = Float(block.LayerNormEpsilon),
        ["max_position_embeddings"] = config.ContextLength,
        ["model_type"] = modelType,
        ["num_attention_heads"] = config.Heads,
        ["num_hidden_layers"] = config.Layers,
        ["vocab_size"] = config.VocabularySize,
    };

    /// <summary>An image tower's section, as CLIP's and SigLIP's files both have it.</summary>
    internal static JsonObject VisionSection(VisionConfig config, BlockShape block, string modelType) => new()
    {
        ["hidden_act"] = Word(block.Activation),
        ["hidden_size"] = config.Width,
        ["image_size"] = config.ImageSize,
        ["intermediate_size"] = block.MlpWidth,
        ["layer_norm_eps"] = Float(block.LayerNormEpsilon),
        ["model_type"] = modelType,
        ["num_attention_heads"] = config.Heads,
        ["num_channels"] = 3,
        ["num_hidden_layers"] = config.Layers,
        ["patch_size"] = config.PatchSize,
    };

    /// <summary>A number written with a decimal point or an exponent: transformers 5 does not take 1 for 1.0.</summary>
    internal static JsonNode Float(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return JsonNode.Parse(text.AsSpan().IndexOfAny(".E") >= 0 ? text : text + ".0")!;
    }

    /// <summary>An element type as PyTorch names it.</summary>
    internal static string TypeName(ScalarType type) => type switch
    {
        ScalarType.Float16 => "float16",
        ScalarType.BFloat16 => "bfloat16",
        ScalarType.Float64 => "float64",
        _ => "float32",
    };

    /// <summary>
    /// Reads the image tower from a whole model's configuration, or from a tower's own (<c>clip_vision_model</c>), with the width of the
    /// shared space and the parameters' names.
    /// </summary>
    internal static (VisionConfig Config, BlockShape Block, int EmbeddingWidth, Func<string, ParameterSource> Names) LoadVision(
        string path) => ConfigSection.Load(path, ReadVision);

    private static (VisionConfig, BlockShape, int, Func<string, ParameterSource>) ReadVision(ConfigSection root)
    {
        var family = TowersFamily(root, "vision_model", out bool alone);
        RefuseOtherModels(root);
        var section = alone ? root : Tower(root, "vision_config");
        bool siglip = family.Names == HuggingFaceNames.Siglip;
        var (activation, epsilon) = siglip ? SiglipConfigs.Common(section) : Common(section);
        var config = siglip ? SiglipConfigs.ReadVision(section, flexible: family.ModelType == "siglip2") : Vision(section);
        config = config with { Activation = activation, LayerNormEpsilon = epsilon };
        config.Validate();
        var block = Block(section, config.Width, config.Heads, config.MlpWidth, activation, epsilon);
        return (config, block, siglip ? config.Width : root.Count("projection_dim", 512), family.Names.Source);
    }

    /// <summary>Reads the text tower likewise (<c>clip_text_model</c>).</summary>
    internal static (TextConfig Config, BlockShape Block, int EmbeddingWidth, Func<string, ParameterSource> Names) LoadText(string path) =>
        ConfigSection.Load(path, ReadText);

    private static (TextConfig, BlockShape, int, Func<string, ParameterSource>) ReadText(ConfigSection root)
    {
        var family = TowersFamily(root, "text_model", out bool alone);
        RefuseOtherModels(root);
        var section = alone ? root : Tower(root, "text_config");
        bool siglip = family.Names == HuggingFaceNames.Siglip;
        var (activation, epsilon) = siglip ? SiglipConfigs.Common(section) : Common(section);
        int projection = root.Count("projection_dim", 512);
        var config = siglip
            ? SiglipConfigs.ReadText(section, out projection)
            : Text(section, family.ModelType == "clip" ? PoolAtLargest : null);
        config = config with { Activation = activation, LayerNormEpsilon = epsilon };
        config.Validate();
        var block = Block(section, config.Width, config.Heads, config.MlpWidth, activation, epsilon);
        return (config, block, projection, family.Names.Source);
    }

    /// <summary>
    /// The family of a configuration from which one tower is to be loaded; <paramref name="alone"/> is true if it describes that tower
    /// only.
    /// </summary>
    private static HuggingFaceFamily TowersFamily(ConfigSection root, string tower, out bool alone)
    {
        string type = root.Word("model_type", "clip");
        NameTable[] alike = [HuggingFaceNames.Clip, HuggingFaceNames.Siglip];
        var known = HuggingFaceFamily.All.Where(family => alike.Contains(family.Names)).ToList();
        alone = known.Any(family => type == $"{family.ModelType}_{tower}");
        string all = string.Join(", ", known.Select(family => $"\"{family.ModelType}\" and \"{family.ModelType}_{tower}\""));
        return known.Find(family => type == family.ModelType || type == $"{family.ModelType}_{tower}")
            ?? throw ConfigSection.Unsupported($"\"model_type\" is \"{type}\"; {all} are supported here");
    }

    private static HuggingFaceFamily Family(ConfigSection root)
    {
        string type = root.Word("model_type", "clip");
        if (HuggingFaceFamily.All.FirstOrDefault(family => family.ModelType == type) is { } found) return found;
        if (type.EndsWith("_vision_model", StringComparison.Ordinal) || type.EndsWith("_text_model", StringComparison.Ordinal))
        {
            string loader = type.Contains("vision", StringComparison.Ordinal) ? "VisionFromPretrained" : "TextFromPretrained";
            throw new NotSupportedException($"\"model_type\" is \"{type}\", one tower alone: ClipCheckpoint.{loader} loads it");
        }
        string all = string.Join(", ", HuggingFaceFamily.All.Select(family => $"\"{family.ModelType}\""));
        throw ConfigSection.Unsupported($"\"model_type\" is \"{type}\"; {all} are supported");
    }

    internal static ClipConfig ReadClip(ConfigSection root) => ReadClip(root, pooledAtLargest: PoolAtLargest);

    /// <summary>As for CLIP, except that the end token's id has no special value: 2 is an id like any other.</summary>
    internal static ClipConfig ReadMetaClip2(ConfigSection root)
    {
        var config = ReadClip(root, pooledAtLargest: null);
        config = config with { Text = config.Text with { PaddingId = Tower(root, "text_config").Id("pad_token_id", 1) } };
        config.Validate();
        return config;
    }

    private static ClipConfig ReadClip(ConfigSection root, int? pooledAtLargest)
    {
        RefuseOtherModels(root);
        ConfigSection vision = Tower(root, "vision_config"), text = Tower(root, "text_config");
        int width = root.Count("projection_dim", 512);
        var config = ClipConfig.Join(Vision(vision), Text(text, pooledAtLargest), width, Common(vision), Common(text));
        config.Validate();
        return config;
    }

    internal static bool HoldsClip(ClipConfig config) => HasClipsTowers(config) && config.Text.EndOfTextId != PoolAtLargest;

    internal static bool HoldsMetaClip2(ClipConfig config) => HasClipsTowers(config) && config.Text.EndOfTextId is not null;

    private static bool HasClipsTowers(ClipConfig config) =>
        config is { Vision: { IsClips: true, LayerScale: null }, Text: { IsClips: true, LayerScale: null } }
        && config is { IsSigmoid: false, HasListedScale: false };

    /// <summary>The non-linearity and ε, which both towers' sections give in the same way.</summary>
    internal static (Activation, double) Common(ConfigSection tower) => (Activation(tower), tower.Number("layer_norm_eps", 1e-5));

    /// <summary>
    /// A tower's section. Older files repeat a tower's values in a second section, and transformers builds the whole tower from that one:
    /// what it leaves out has its default, whatever the first section says.
    /// </summary>
    internal static ConfigSection Tower(ConfigSection root, string key)
    {
        var tower = root.Section(key, key + "_dict");
        RefuseOtherModels(tower);
        return tower;
    }

    /// <summary>
    /// Refuses keys that change a configuration of known type into another model: quantised weights, custom code, pruned heads.
    /// </summary>
    internal static void RefuseOtherModels(ConfigSection section) => section.Refuse("quantization_config", "auto_map", "pruned_heads");

    internal static VisionConfig Vision(ConfigSection vision)
    {
        RequireColours(vision);
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

    internal static void RequireColours(ConfigSection vision)
    {
        int channels = vision.Count("num_channels", 3);
        if (channels != 3) throw ConfigSection.Unsupported($"\"{vision.Name("num_channels")}\" is {channels}; 3 is supported");
    }

    private static TextConfig Text(ConfigSection text, int? pooledAtLargest)
    {
        int end = text.Id("eos_token_id", DefaultEnd), vocabulary = text.Count("vocab_size", 49408, 1 << 24);
        if (end >= vocabulary && end != pooledAtLargest)
        {
            string said = text.Has("eos_token_id") ? $"{end}" : $"missing, which means {end}";
            throw new FormatException($"\"{text.Name("eos_token_id")}\" is {said}; it must be below \"vocab_size\" ({vocabulary})");
        }
        return new TextConfig
        {
            ContextLength = text.Count("max_position_embeddings", 77),
            VocabularySize = vocabulary,
            Width = text.Count("hidden_size", 512),
            Layers = text.Count("num_hidden_layers", 12, 1024),
            Heads = text.Count("num_attention_heads", 8),
            MlpWidth = text.Count("intermediate_size", 2048, 1 << 20),
            EndOfTextId = end == pooledAtLargest ? null : end,
        };
    }

    private static BlockShape Block(ConfigSection tower, int width, int heads, int? mlpWidth, Activation activation, double epsilon) =>
        epsilon > 0 ? new BlockShape(width, heads, mlpWidth ?? 4 * width, activation, epsilon)
            : throw new FormatException($"\"{tower.Name("layer_norm_eps")}\" is {epsilon}; it must be above 0");

    internal static Activation Activation(ConfigSection tower, string otherwise = "quick_gelu") =>
        tower.Word("hidden_act", otherwise) switch
    {
        "quick_gelu" => Models.Activation.QuickGelu,
        "gelu" => Models.Activation.Gelu,
        "gelu_pytorch_tanh" or "gelu_new" => Models.Activation.GeluTanh,
        var other => throw ConfigSection.Unsupported(
            $"\"{tower.Name("hidden_act")}\" is \"{other}\"; \"quick_gelu\", \"gelu\" and \"gelu_pytorch_tanh\" are supported"),
    };

    /// <summary>Hugging Face's name of a non-linearity.</summary>
    internal static string Word(Activation activation) => activation switch
    {
        Models.Activation.QuickGelu => "quick_gelu",
        Models.Activation.Gelu => "gelu",
        Models.Activation.GeluTanh => "gelu_pytorch_tanh",
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, null),
    };
}
