using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>OpenCLIP's <c>open_clip_config.json</c>, or one of its model configurations alone, read and written.</summary>
internal static class OpenClipConfig
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>What is honoured, and what changes nothing at inference.</summary>
    private static readonly string[] VisionKeys =
        ["layers", "width", "head_width", "mlp_ratio", "ls_init_value", "patch_size", "image_size", "patch_dropout", "output_tokens", "pool_type", "pos_embed_type", "block_type",
         "attn_pooler_queries", "attn_pooler_heads", "timm_model_pretrained", "timm_pool", "timm_proj", "timm_drop", "timm_drop_path"];

    private static readonly string[] TextKeys =
        ["context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio", "ls_init_value", "pool_type", "eos_id", "pad_id", "proj_type", "output_tokens", "text_arch", "block_type", "hf_tokenizer_name",
         "tokenizer_mode", "tokenizer_kwargs", "hf_model_pretrained", "hf_proj_type", "hf_pooler_type"];

    private static readonly string[] ModelKeys =
        ["embed_dim", "quick_gelu", "vision_cfg", "text_cfg", "custom_text", "init_logit_scale"];

    internal static ClipConfig Load(string path) =>
        ConfigSection.Load(path, root => Read(root.Has("model_cfg") ? root.Section("model_cfg") : root));

    /// <param name="config">The model's shape.</param>
    /// <param name="former">A file whose <c>preprocess_cfg</c> is kept where it is there.</param>
    internal static string Text(ClipConfig config, string former)
    {
        var vision = new JsonObject { ["image_size"] = config.Vision.ImageSize };
        if (config.Vision.Stages is { } stages)
        {
            vision["layers"] = new JsonArray(stages.First, stages.Second, stages.Third, stages.Fourth);
            vision["width"] = config.Vision.Width;
            vision["head_width"] = 32 * config.Vision.Width / config.Vision.Heads;
        }
        else
        {
            vision["layers"] = config.Vision.Layers;
            vision["width"] = config.Vision.Width;
            vision["head_width"] = config.Vision.Width / config.Vision.Heads;
            vision["patch_size"] = config.Vision.PatchSize;
            vision["mlp_ratio"] = Ratio(config.VisionBlock);
            if (config.Vision.LayerScale is { } start) vision["ls_init_value"] = start;
        }
        var text = new JsonObject
        {
            ["context_length"] = config.Text.ContextLength,
            ["vocab_size"] = config.Text.VocabularySize,
            ["width"] = config.Text.Width,
            ["heads"] = config.Text.Heads,
            ["layers"] = config.Text.Layers,
            ["mlp_ratio"] = Ratio(config.TextBlock),
        };
        if (config.Text.LayerScale is { } factor) text["ls_init_value"] = factor;
        if (config.Text.EndOfTextId is { } end)
        {
            text["pool_type"] = "eos";
            text["eos_id"] = end;
        }
        var model = new JsonObject
        {
            ["embed_dim"] = config.EmbeddingWidth,
            ["quick_gelu"] = config.Activation == Activation.QuickGelu,
            ["vision_cfg"] = vision,
            ["text_cfg"] = text,
        };
        return new JsonObject { ["model_cfg"] = model, ["preprocess_cfg"] = FormerPreprocessing(former) ?? Preprocessing(config.Vision.ImageSize) }.ToJsonString(Indented) + "\n";
    }

    private static JsonNode? FormerPreprocessing(string path)
    {
        try
        {
            return File.Exists(path) ? (JsonNode.Parse(File.ReadAllBytes(path)) as JsonObject)?["preprocess_cfg"]?.DeepClone() : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>What open_clip assumes where nothing is said (its <c>PreprocessCfg</c>): OpenAI's mean and standard deviation.</summary>
    private static JsonObject Preprocessing(int size) => new()
    {
        ["size"] = new JsonArray(size, size),
        ["mode"] = "RGB",
        ["mean"] = new JsonArray(0.48145466, 0.4578275, 0.40821073),
        ["std"] = new JsonArray(0.26862954, 0.26130258, 0.27577711),
        ["interpolation"] = "bicubic",
        ["resize_mode"] = "shortest",
        ["fill_color"] = 0,
    };

    private static ClipConfig Read(ConfigSection model)
    {
        ConfigSection vision = model.Section("vision_cfg"), text = model.Section("text_cfg");
        model.RefuseOthers(ModelKeys);
        vision.RefuseOthers(VisionKeys);
        text.RefuseOthers(TextKeys);
        vision.Only("pool_type", "tok");
        vision.Only("pos_embed_type", "learnable");
        vision.Only("block_type", "default");
        text.Only("proj_type", "linear");
        text.Only("text_arch", "clip");
        text.Only("block_type", "default");
        string pool = text.Word("pool_type", "argmax");
        if (pool is not ("argmax" or "eos")) throw ConfigSection.Unsupported($"\"text_cfg.pool_type\" is \"{pool}\"; \"argmax\" and \"eos\" are supported");
        if (pool == "eos" && !text.Has("eos_id")) throw new FormatException("\"text_cfg.pool_type\" is \"eos\" and \"eos_id\" is missing, the id whose position is pooled");

        int width = text.Count("width", 512);
        var config = new ClipConfig
        {
            Vision = vision.Counts("layers") is { } stages ? ResNet(vision, stages) : VisionTransformer(vision),
            Text = new TextConfig
            {
                ContextLength = text.Count("context_length", 77),
                VocabularySize = text.Count("vocab_size", 49408, 1 << 24),
                Width = width,
                Layers = text.Count("layers", 12, 1024),
                Heads = text.Count("heads", 8),
                MlpWidth = MlpWidth(text, width),
                LayerScale = text.Has("ls_init_value") ? text.Number("ls_init_value", 1) : null,
                EndOfTextId = pool == "eos" ? text.Id("eos_id", 0) : null,
            },
            EmbeddingWidth = model.Count("embed_dim", 512),
            Activation = model.Flag("quick_gelu") ? Activation.QuickGelu : Activation.Gelu,
        };
        config.Validate();
        return config;
    }

    private static VisionConfig VisionTransformer(ConfigSection vision)
    {
        int width = vision.Count("width", 768), head = vision.Count("head_width", 64);
        if (width % head != 0) throw new FormatException($"\"vision_cfg.head_width\" is {head}, which does not divide \"width\" ({width})");
        return new VisionConfig
        {
            ImageSize = vision.Count("image_size", 224, 16384),
            PatchSize = vision.Count("patch_size", 16, 16384),
            Width = width,
            Layers = vision.Count("layers", 12, 1024),
            Heads = width / head,
            MlpWidth = MlpWidth(vision, width),
            LayerScale = vision.Has("ls_init_value") ? vision.Number("ls_init_value", 1) : null,
        };
    }

    private static VisionConfig ResNet(ConfigSection vision, int[] stages)
    {
        if (stages.Length != 4) throw new FormatException($"\"vision_cfg.layers\" has {stages.Length} stages; a ResNet has 4");
        int width = vision.Count("width", 64, 4096), head = vision.Count("head_width", 64);
        if (stages.Max() > 1024) throw new FormatException($"\"vision_cfg.layers\" asks for {stages.Max()} blocks; up to 1024 are supported");
        if (32 * width % head != 0) throw new FormatException($"\"vision_cfg.head_width\" is {head}, which does not divide 32 × \"width\" ({32 * width})");
        return VisionConfig.ResNet(vision.Count("image_size", 224, 16384), width, (stages[0], stages[1], stages[2], stages[3])) with { Heads = 32 * width / head };
    }

    /// <summary>OpenCLIP cuts the product down to a whole number.</summary>
    private static int MlpWidth(ConfigSection section, int width)
    {
        double ratio = section.Number("mlp_ratio", 4), product = width * ratio;
        return product is >= 1 and <= 1 << 20 ? (int)product : throw new FormatException($"\"mlp_ratio\" is {ratio}, which gives no usable width");
    }

    private static double Ratio(BlockShape block)
    {
        double ratio = (double)block.MlpWidth / block.Width;
        while ((int)(block.Width * ratio) < block.MlpWidth) ratio = Math.BitIncrement(ratio);
        return ratio;
    }
}
