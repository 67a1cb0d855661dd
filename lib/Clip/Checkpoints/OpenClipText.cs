using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Text towers in OpenCLIP's <c>text_cfg</c>: its own, and RoBERTa's kind from transformers (<c>hf_model_name</c>).</summary>
internal static class OpenClipText
{
    /// <summary>The keys for the tokenizer, which itself refuses values that it does not support.</summary>
    internal static readonly string[] TokenizerKeys = ["hf_tokenizer_name", "tokenizer_mode", "tokenizer_kwargs", "bos_id"];

    /// <summary>The keys that are honoured, and those that change nothing at inference.</summary>
    private static readonly string[] Keys =
    [
        "context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio", "ls_init_value", "no_causal_mask", "embed_cls",
        "pool_type", "eos_id", "pad_id", "proj_type", "proj_bias", "final_ln_after_pool", "act_kwargs", "norm_kwargs", "output_tokens",
        "text_arch", "hf_model_pretrained", "hf_proj_type", "hf_pooler_type", .. TokenizerKeys, .. OpenClipBlocks.Keys,
    ];

    /// <summary>For a tower of transformers', keys of OpenCLIP's own tower have no effect.</summary>
    private static readonly string[] BertKeys = [.. Keys, "hf_model_name", "hf_model_config"];

    private static readonly string[] BertConfigKeys =
    [
        "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "max_position_embeddings",
        "pad_token_id", "type_vocab_size", "layer_norm_eps", "hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob",
    ];

    /// <summary>The default sizes in transformers: vocabulary, width, blocks, heads.</summary>
    private static readonly Dictionary<string, (int Vocabulary, int Width, int Layers, int Heads)> Berts = new(StringComparer.Ordinal)
    {
        ["roberta-base"] = (50265, 768, 12, 12),
        ["roberta-large"] = (50265, 1024, 24, 16),
        ["xlm-roberta-base"] = (250002, 768, 12, 12),
        ["xlm-roberta-large"] = (250002, 1024, 24, 16),
    };

    internal static bool IsBert(TextConfig text) => text.Block.Norm == NormPlacement.AfterSum;

    internal static (TextConfig Text, Activation Activation, double Epsilon) Read(
        ConfigSection text, Activation activation, int embeddingWidth)
    {
        text.Only("text_arch", "clip");
        if (text.Has("hf_model_name")) return ReadBert(text, embeddingWidth);
        text.RefuseOthers(Keys);
        string pool = text.Choice("pool_type", "argmax", "eos", "first", "last", "none");
        if (pool == "eos" && !text.Has("eos_id"))
            throw new FormatException("\"text_cfg.pool_type\" is \"eos\" and \"eos_id\" is missing, the id whose position is pooled");
        bool appends = text.Flag("embed_cls"), projects = text.Choice("proj_type", "linear", "none") == "linear";
        int width = text.Count("width", 512);
        var config = new TextConfig
        {
            ContextLength = text.Count("context_length", 77),
            VocabularySize = text.Count("vocab_size", 49408, 1 << 24),
            Width = width,
            Layers = text.Count("layers", 12, 1024),
            Heads = text.Count("heads", 8),
            MlpWidth = OpenClipBlocks.MlpWidth(text, width),
            LayerScale = OpenClipBlocks.LayerScale(text),
            Block = OpenClipBlocks.Read(text),
            Causal = !text.Flag("no_causal_mask"),
            AppendedClassToken = appends,
            Pooling = appends ? TextPooling.Last : Pool(pool),
            EndOfTextId = pool == "eos" && !appends ? text.Id("eos_id", 0) : null,
            PaddingId = text.Id("pad_id", 0),
            Projection = !projects ? ProjectionKind.None : text.Flag("proj_bias") ? ProjectionKind.Affine : ProjectionKind.Matrix,
        };
        return (config, OpenClipBlocks.Activation(text, activation), OpenClipBlocks.Epsilon(text));
    }

    private static TextPooling Pool(string word) => word switch
    {
        "first" => TextPooling.First,
        "last" => TextPooling.Last,
        "none" => TextPooling.None,
        _ => TextPooling.EndOfText,
    };

    internal static JsonObject Write(TextConfig config, BlockShape block, int embeddingWidth)
    {
        if (IsBert(config)) return WriteBert(config, block, embeddingWidth);
        bool plain = config is { NormBefore: false, NormAfter: true, TokenTypes: 0, MaskPadding: false, Pooler: false };
        bool others = config is { TransformationWidth: not null } or { Projection: ProjectionKind.Mlp };
        if (!plain || others || !OpenClipBlocks.IsOwn(config.Block))
            throw new ArgumentException("OpenCLIP's configuration has no place for this model's text tower.");
        var text = new JsonObject
        {
            ["context_length"] = config.ContextLength,
            ["vocab_size"] = config.VocabularySize,
            ["width"] = config.Width,
            ["heads"] = config.Heads,
            ["layers"] = config.Layers,
        };
        if (!config.Causal) text["no_causal_mask"] = true;
        if (config.AppendedClassToken) text["embed_cls"] = true;
        if (config.PaddingId != 0) text["pad_id"] = config.PaddingId;
        if (config.Projection == ProjectionKind.None) text["proj_type"] = "none";
        if (config.Projection == ProjectionKind.Affine) text["proj_bias"] = true;
        if (config.EndOfTextId is { } end)
        {
            text["pool_type"] = "eos";
            text["eos_id"] = end;
        }
        else if (config.Pooling != TextPooling.EndOfText && !config.AppendedClassToken)
        {
            text["pool_type"] = config.Pooling switch { TextPooling.First => "first", TextPooling.Last => "last", _ => "none" };
        }
        OpenClipBlocks.Write(text, block);
        return text;
    }

    private static (TextConfig, Activation, double) ReadBert(ConfigSection text, int embeddingWidth)
    {
        text.RefuseOthers(BertKeys);
        string name = text.Word("hf_model_name", ""), kind = name[(name.LastIndexOf('/') + 1)..];
        if (!Berts.TryGetValue(kind, out var known))
        {
            string supported = string.Join(", ", Berts.Keys);
            throw ConfigSection.Unsupported($"\"text_cfg.hf_model_name\" is \"{name}\"; {supported} are supported");
        }
        var shape = text.Has("hf_model_config") ? text.Section("hf_model_config") : ConfigSection.Empty("text_cfg.hf_model_config.");
        shape.RefuseOthers(BertConfigKeys);
        int rows = shape.Count("max_position_embeddings", 514, 1 << 20), pad = shape.Id("pad_token_id", 1);
        int width = shape.Count("hidden_size", known.Width);
        BertConfigs.RequireRoom(shape, rows, pad);
        var sizes = new TextConfig
        {
            ContextLength = Math.Min(text.Count("context_length", 77), rows - pad - 1),
            VocabularySize = shape.Count("vocab_size", known.Vocabulary, 1 << 24),
            Width = width,
            Layers = shape.Count("num_hidden_layers", known.Layers, 1024),
            Heads = shape.Count("num_attention_heads", known.Heads),
            MlpWidth = shape.Count("intermediate_size", 4 * known.Width, 1 << 20),
            PaddingId = pad,
        };
        string pool = text.Choice("hf_pooler_type", "mean_pooler", "cls_pooler", "cls_last_hidden_state_pooler");
        string projection = text.Choice("hf_proj_type", text.IsNull("hf_proj_type") ? "" : "mlp", "mlp", "linear");
        if (projection.Length == 0 && width != embeddingWidth)
        {
            throw new FormatException(
                $"\"text_cfg.hf_proj_type\" is null, which leaves the width at {width}, and \"embed_dim\" is {embeddingWidth}");
        }
        var config = TextConfig.Bert(sizes, rows, shape.Count("type_vocab_size", 1), skipsPadding: true) with
        {
            Pooling = pool == "mean_pooler" ? TextPooling.Mean : TextPooling.First,
            Pooler = pool == "cls_pooler",
            Projection = projection switch { "mlp" => ProjectionKind.Mlp, "linear" => ProjectionKind.Matrix, _ => ProjectionKind.None },
        };
        return (config, HuggingFaceConfig.Activation(shape, "gelu"), shape.Number("layer_norm_eps", 1e-5));
    }

    /// <summary>All sizes are written, so the model name decides none of them.</summary>
    private static JsonObject WriteBert(TextConfig config, BlockShape block, int embeddingWidth)
    {
        bool others = config is { NormAfter: true } or { TransformationWidth: not null } or { Projection: ProjectionKind.Affine };
        if (others || !config.PositionsSkipPadding)
            throw new ArgumentException("OpenCLIP's configuration has no place for this model's text tower.");
        string name = config.Layers > 12 ? "xlm-roberta-large" : "xlm-roberta-base";
        return new JsonObject
        {
            ["context_length"] = config.ContextLength,
            ["hf_model_name"] = name,
            ["hf_tokenizer_name"] = name,
            ["hf_model_pretrained"] = false,
            ["hf_model_config"] = new JsonObject
            {
                ["vocab_size"] = config.VocabularySize,
                ["hidden_size"] = config.Width,
                ["num_hidden_layers"] = config.Layers,
                ["num_attention_heads"] = config.Heads,
                ["intermediate_size"] = block.MlpWidth,
                ["max_position_embeddings"] = config.Positions,
                ["pad_token_id"] = config.PaddingId,
                ["type_vocab_size"] = config.TokenTypes,
                ["layer_norm_eps"] = block.LayerNormEpsilon,
                ["hidden_act"] = HuggingFaceConfig.Word(block.Activation),
            },
            ["hf_pooler_type"] = config switch
            {
                { Pooling: TextPooling.Mean } => "mean_pooler",
                { Pooler: true } => "cls_pooler",
                _ => "cls_last_hidden_state_pooler",
            },
            ["hf_proj_type"] = config.Projection switch { ProjectionKind.Mlp => "mlp", ProjectionKind.Matrix => "linear", _ => null },
        };
    }
}
