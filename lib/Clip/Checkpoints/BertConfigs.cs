using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Hugging Face's <c>config.json</c> of models with CLIP's image tower and a text tower of BERT's kind: <c>AltCLIPModel</c> and
/// <c>ChineseCLIPModel</c>.
/// </summary>
internal static class BertConfigs
{
    internal static ClipConfig ReadAlt(ConfigSection root)
    {
        var (vision, text) = Sections(root);
        int pad = text.Id("pad_token_id", 1), rows = text.Count("max_position_embeddings", 514, 1 << 20);
        RequireRoom(text, rows, pad);
        var shape = new TextConfig
        {
            ContextLength = rows - pad - 1,
            VocabularySize = text.Count("vocab_size", 250002, 1 << 24),
            Width = text.Count("hidden_size", 1024),
            Layers = text.Count("num_hidden_layers", 24, 1024),
            Heads = text.Count("num_attention_heads", 16),
            MlpWidth = text.Count("intermediate_size", 4096, 1 << 20),
            PaddingId = pad,
            TransformationWidth = text.Count("project_dim", 768),
        };
        var tower = TextConfig.Bert(shape, rows, text.Count("type_vocab_size", 1), skipsPadding: true) with { NormAfter = true };
        return Join(root, 768, vision, text, tower, 1e-5);
    }

    internal static ClipConfig ReadChinese(ConfigSection root)
    {
        var (vision, text) = Sections(root);
        int rows = text.Count("max_position_embeddings", 512, 1 << 20);
        var shape = new TextConfig
        {
            ContextLength = rows,
            VocabularySize = text.Count("vocab_size", 30522, 1 << 24),
            Width = text.Count("hidden_size", 768),
            Layers = text.Count("num_hidden_layers", 12, 1024),
            Heads = text.Count("num_attention_heads", 12),
            MlpWidth = text.Count("intermediate_size", 3072, 1 << 20),
            PaddingId = text.Id("pad_token_id", 0),
        };
        var tower = TextConfig.Bert(shape, rows, text.Count("type_vocab_size", 2), skipsPadding: false);
        return Join(root, 512, vision, text, tower, 1e-12);
    }

    /// <summary>Requires room for the start and the end token where positions begin after the padding's id.</summary>
    internal static void RequireRoom(ConfigSection text, int rows, int pad)
    {
        if (rows >= pad + 3) return;
        throw new FormatException(
            $"\"{text.Name("max_position_embeddings")}\" is {rows}; positions begin at {pad + 1}, which leaves no room for a text");
    }

    internal static bool HoldsAlt(ClipConfig config) => HoldsVision(config) && config.Text is { TransformationWidth: not null } text
        && text == Shape(text, skipsPadding: true) with { NormAfter = true };

    internal static bool HoldsChinese(ClipConfig config) => HoldsVision(config) && config.Text is { TransformationWidth: null } text
        && text == Shape(text, skipsPadding: false);

    internal static JsonObject Write(ClipConfig config, string modelType)
    {
        var text = HuggingFaceConfig.TextSection(config.Text, config.TextBlock, $"{modelType}_text_model");
        text["max_position_embeddings"] = config.Text.Positions;
        text["pad_token_id"] = config.Text.PaddingId;
        text["type_vocab_size"] = config.Text.TokenTypes;
        if (config.Text.TransformationWidth is { } width) text["project_dim"] = width;
        return new JsonObject
        {
            ["logit_scale_init_value"] = HuggingFaceConfig.Float(Math.Round(Math.Log(1 / config.InitialTemperature), 4)),
            ["projection_dim"] = config.EmbeddingWidth,
            ["text_config"] = text,
            ["vision_config"] = HuggingFaceConfig.VisionSection(config.Vision, config.VisionBlock, $"{modelType}_vision_model"),
        };
    }

    private static bool HoldsVision(ClipConfig config) =>
        config is { Vision: { IsClips: true, LayerScale: null }, IsSigmoid: false, HasListedScale: false };

    /// <summary>A tower of BERT's kind with the sizes of the given one.</summary>
    private static TextConfig Shape(TextConfig text, bool skipsPadding)
    {
        var sizes = new TextConfig
        {
            ContextLength = text.Positions - (skipsPadding ? text.PaddingId + 1 : 0),
            VocabularySize = text.VocabularySize,
            Width = text.Width,
            Layers = text.Layers,
            Heads = text.Heads,
            MlpWidth = text.MlpWidth,
            PaddingId = text.PaddingId,
            TransformationWidth = text.TransformationWidth,
            Activation = text.Activation,
            LayerNormEpsilon = text.LayerNormEpsilon,
        };
        return TextConfig.Bert(sizes, text.Positions, text.TokenTypes, skipsPadding);
    }

    private static (ConfigSection Vision, ConfigSection Text) Sections(ConfigSection root)
    {
        HuggingFaceConfig.RefuseOtherModels(root);
        var text = HuggingFaceConfig.Tower(root, "text_config");
        text.Only("position_embedding_type", "absolute");
        return (HuggingFaceConfig.Tower(root, "vision_config"), text);
    }

    private static ClipConfig Join(
        ConfigSection root, int embeddingWidth, ConfigSection vision, ConfigSection text, TextConfig shape, double epsilon)
    {
        var config = ClipConfig.Join(
            HuggingFaceConfig.Vision(vision), shape, root.Count("projection_dim", embeddingWidth), HuggingFaceConfig.Common(vision),
            (HuggingFaceConfig.Activation(text, "gelu"), text.Number("layer_norm_eps", epsilon)));
        config.Validate();
        return config;
    }
}
