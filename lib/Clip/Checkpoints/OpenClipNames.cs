using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// OpenCLIP's names of parameters: its own towers use this library's names; timm's image towers and transformers' text towers have others.
/// </summary>
internal static class OpenClipNames
{
    /// <summary>
    /// The prefix of a text projection with a bias. OpenCLIP names it like the bare matrix, but here one name cannot be both a parameter
    /// and a module.
    /// </summary>
    private const string Head = "text_head.";

    private static readonly NameTable Bert = new("OpenCLIP's text tower of transformers",
    [
        .. HuggingFaceNames.Bert("text.transformer"),
        new("text_head.c_fc", "text.proj.0"),
        new("text_head.c_proj", "text.proj.2"),
        new("text_projection", "text.proj.weight") { Transposed = true },
    ]);

    /// <summary>Where a model's parameters lie.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="prefix">The prefix of the names of OpenCLIP's own text tower: <c>text.</c>, or empty.</param>
    internal static Func<string, ParameterSource> Of(ClipConfig config, string prefix)
    {
        var vision = config.Vision.IsTransformer && !OpenClipVision.IsOwn(config.Vision)
            ? new NameTable("timm's image tower", Timm(config.Vision)) : null;
        bool bert = OpenClipText.IsBert(config.Text);
        return name => name switch
        {
            "logit_scale" or "logit_bias" => new ParameterSource([name], false),
            _ when name.StartsWith("visual.", StringComparison.Ordinal) => vision?.Source(name) ?? new ParameterSource([name], false),
            _ when bert => Bert.Source(name),
            _ => new ParameterSource([prefix + (name.StartsWith(Head, StringComparison.Ordinal) ? "text_projection." + name[Head.Length..]
                : name)], false),
        };
    }

    /// <summary>The name rules of a Vision Transformer of timm's; the names depend on the tower's parts.</summary>
    private static NameRule[] Timm(VisionConfig vision)
    {
        const string trunk = "visual.trunk", ours = "visual.transformer.resblocks.#", blocks = $"{trunk}.blocks.#",
            pool = $"{trunk}.attn_pool";
        bool apart = vision.Block is { KeyBias: false, Gate: MlpGate.Silu };
        NameRule[] attention = apart
            ? [new($"{ours}.attn.in_proj_weight", [.. "qkv".Select(part => $"{blocks}.attn.{part}_proj.weight")]),
                new($"{ours}.attn.in_proj_bias", $"{blocks}.attn.q_proj.bias", $"{blocks}.attn.v_proj.bias")]
            : [new($"{ours}.attn.in_proj_weight", $"{blocks}.attn.qkv.weight"), vision.Block.KeyBias
                ? new($"{ours}.attn.in_proj_bias", $"{blocks}.attn.qkv.bias") : new($"{ours}.attn.in_proj_bias", $"{blocks}.attn.q_bias",
                $"{blocks}.attn.v_bias")];
        var (gate, up, down) = vision.Block.Gate switch { MlpGate.Silu => ("fc1_g", "fc1_x", "fc2"), MlpGate.Gelu => ("w0", "w1", "w2"),
            _ => ("", "fc1", "fc2") };
        NameRule[] projection = vision.Projection switch
        {
            ProjectionKind.Affine => [new("visual.head", $"{trunk}.head")],
            ProjectionKind.Mlp => [new("visual.head.c_fc", "visual.head.mlp.fc1"), new("visual.head.c_proj", "visual.head.mlp.fc2")],
            _ => [new("visual.proj", "visual.head.proj.weight") { Transposed = true }],
        };
        return
        [
            new("visual.class_embedding", $"{trunk}.cls_token") { Leading = 2 },
            new("visual.positional_embedding", $"{trunk}.pos_embed") { Leading = 1 },
            new("visual.conv1.backbone", $"{trunk}.patch_embed.backbone"),
            new("visual.conv1", $"{trunk}.patch_embed.proj"),
            new("visual.ln_pre", $"{trunk}.norm_pre"),
            .. attention,
            new($"{ours}.attn.ln_inner", $"{blocks}.attn.norm"),
            new($"{ours}.attn.out_proj", $"{blocks}.attn.proj"),
            new($"{ours}.ln_1", $"{blocks}.norm1"),
            new($"{ours}.ln_2", $"{blocks}.norm2"),
            new($"{ours}.mlp.c_gate", $"{blocks}.mlp.{gate}"),
            new($"{ours}.mlp.c_fc", $"{blocks}.mlp.{up}"),
            new($"{ours}.mlp.ln", $"{blocks}.mlp.norm"),
            new($"{ours}.mlp.c_proj", $"{blocks}.mlp.{down}"),
            new("visual.ln_post", vision.NormAfterPooling ? $"{trunk}.fc_norm" : $"{trunk}.norm"),
            new("visual.attn_pool.probe", $"{pool}.latent"),
            new("visual.attn_pool.in_proj_weight", $"{pool}.q.weight", $"{pool}.kv.weight") { Shares = [1, 2] },
            new("visual.attn_pool.in_proj_bias", $"{pool}.q.bias", $"{pool}.kv.bias") { Shares = [1, 2] },
            new("visual.attn_pool.out_proj", $"{pool}.proj"),
            new("visual.attn_pool.ln", $"{pool}.norm"),
            new("visual.attn_pool.mlp.c_fc", $"{pool}.mlp.fc1"),
            new("visual.attn_pool.mlp.c_proj", $"{pool}.mlp.fc2"),
            .. projection,
        ];
    }
}
