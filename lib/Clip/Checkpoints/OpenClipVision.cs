using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>OpenCLIP's own image towers in its configuration's <c>vision_cfg</c>; those of timm's are <see cref="TimmConfig"/>'s.</summary>
internal static class OpenClipVision
{
    /// <summary>The keys that are honoured, and those that change nothing at inference.</summary>
    private static readonly string[] Keys =
        ["layers", "width", "head_width", "mlp_ratio", "ls_init_value", "patch_size", "image_size", "patch_dropout", "output_tokens",
            "pool_type", "pos_embed_type", "attentional_pool", "attn_pooler_queries",
         "attn_pooler_heads", "no_ln_pre", "final_ln_after_pool", "act_kwargs", "norm_kwargs", "timm_model_pretrained", "timm_pool",
             "timm_proj", "timm_drop", "timm_drop_path", .. OpenClipBlocks.Keys];

    /// <summary>Whether a Vision Transformer is one of OpenCLIP's own.</summary>
    internal static bool IsOwn(VisionConfig vision) =>
        vision is { IsTransformer: true, Stem: PatchStem.Patches, ClassToken: true, ClassPosition: true, Positions: true, Rotary: null,
            Projection: ProjectionKind.Matrix, AttentionPool: null or { MlpWidth: null } }
        && OpenClipBlocks.IsOwn(vision.Block);

    internal static (VisionConfig Vision, Activation Activation, double Epsilon) Read(ConfigSection vision, Activation activation)
    {
        vision.RefuseOthers(Keys);
        if (vision.Counts("layers") is { } stages) return (ResNet(vision, stages), activation, 1e-5);
        vision.Choice("pos_embed_type", "learnable", "sin_cos_2d");
        if (vision.IsWord("attentional_pool")) throw ConfigSection.Unsupported($"\"vision_cfg.attentional_pool\" is " +
            $"\"{vision.Word("attentional_pool", "")}\"; true is supported, CoCa's pool");
        bool pools = vision.Flag("attentional_pool");
        int width = vision.Count("width", 768), head = vision.Count("head_width", 64);
        int heads = width / head;
        if (heads < 1 || width % heads != 0) throw new FormatException($"\"vision_cfg.head_width\" is {head}, of which \"width\" " +
            $"({width}) has {heads}, and that does not divide it");
        var config = new VisionConfig
        {
            ImageSize = vision.Count("image_size", 224, 16384),
            PatchSize = vision.Count("patch_size", 16, 16384),
            Width = width,
            Layers = vision.Count("layers", 12, 1024),
            Heads = heads,
            MlpWidth = OpenClipBlocks.MlpWidth(vision, width),
            LayerScale = OpenClipBlocks.LayerScale(vision),
            Block = OpenClipBlocks.Read(vision),
            NormBefore = !vision.Flag("no_ln_pre"),
            NormAfterPooling = !pools && vision.Flag("final_ln_after_pool"),
            Pooling = vision.Choice("pool_type", "tok", "avg", "none") switch { "avg" => VisionPooling.Mean, "none" => VisionPooling.None,
                _ => VisionPooling.First },
            AttentionPool = pools ? new AttentionPoolConfig { Heads = vision.Count("attn_pooler_heads", 8),
                Queries = vision.Count("attn_pooler_queries", 256) } : null,
        };
        return (config, OpenClipBlocks.Activation(vision, activation), OpenClipBlocks.Epsilon(vision));
    }

    internal static JsonObject Write(VisionConfig config, BlockShape block)
    {
        var vision = new JsonObject { ["image_size"] = config.ImageSize };
        if (config.Stages is { } stages)
        {
            vision["layers"] = new JsonArray(stages.First, stages.Second, stages.Third, stages.Fourth);
            vision["width"] = config.Width;
            vision["head_width"] = 32 * config.Width / config.Heads;
            return vision;
        }
        vision["layers"] = config.Layers;
        vision["width"] = config.Width;
        vision["head_width"] = config.Width / config.Heads;
        vision["patch_size"] = config.PatchSize;
        if (!config.NormBefore) vision["no_ln_pre"] = true;
        if (config.NormAfterPooling) vision["final_ln_after_pool"] = true;
        if (config.Pooling != VisionPooling.First) vision["pool_type"] = config.Pooling == VisionPooling.Mean ? "avg" : "none";
        if (config.AttentionPool is { } pool)
        {
            vision["attentional_pool"] = true;
            vision["attn_pooler_queries"] = pool.Queries;
            vision["attn_pooler_heads"] = pool.Heads;
        }
        OpenClipBlocks.Write(vision, block);
        return vision;
    }

    private static VisionConfig ResNet(ConfigSection vision, int[] stages)
    {
        if (stages.Length != 4) throw new FormatException($"\"vision_cfg.layers\" has {stages.Length} stages; a ResNet has 4");
        int width = vision.Count("width", 64, 4096), head = vision.Count("head_width", 64);
        if (stages.Max() > 1024) throw new FormatException($"\"vision_cfg.layers\" asks for {stages.Max()} blocks; up to 1024 are " +
            $"supported");
        if (32 * width % head != 0) throw new FormatException($"\"vision_cfg.head_width\" is {head}, which does not divide 32 × " +
            $"\"width\" ({32 * width})");
        return VisionConfig.ResNet(vision.Count("image_size", 224, 16384), width,
            (stages[0], stages[1], stages[2], stages[3])) with { Heads = 32 * width / head };
    }
}
