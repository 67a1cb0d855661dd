namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>The parameter names of transformers' models.</summary>
internal static class HuggingFaceNames
{
    private static readonly string[] Kinds = ["weight", "bias"], BertParts = ["query", "key", "value"];

    private static readonly NameRule[] Scale = [new("logit_scale", "logit_scale"), new("logit_bias", "logit_bias")];

    private static readonly NameRule[] ClipVision =
    [
        new("visual.class_embedding", "vision_model.embeddings.class_embedding"),
        new("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
        new("visual.conv1", "vision_model.embeddings.patch_embedding"),
        new("visual.ln_pre", "vision_model.pre_layrnorm"),
        new("visual.ln_post", "vision_model.post_layernorm"),
        new("visual.proj", "visual_projection.weight") { Transposed = true },
        .. Blocks("visual.transformer.resblocks.#", "vision_model.encoder.layers.#"),
    ];

    private static readonly NameRule[] Text =
    [
        new("positional_embedding", "text_model.embeddings.position_embedding.weight"),
        new("token_embedding", "text_model.embeddings.token_embedding"),
        new("ln_final", "text_model.final_layer_norm"),
        .. Blocks("transformer.resblocks.#", "text_model.encoder.layers.#"),
    ];

    private static readonly NameRule Projection = new("text_projection", "text_projection.weight") { Transposed = true };

    /// <summary>The names of <c>CLIPModel</c> and <c>MetaClip2Model</c>.</summary>
    internal static NameTable Clip { get; } = new("Hugging Face's CLIPModel", [.. Scale[..1], .. ClipVision, .. Text, Projection]);

    /// <summary>The names of <c>SiglipModel</c> and <c>Siglip2Model</c>.</summary>
    internal static NameTable Siglip { get; } = new("Hugging Face's SiglipModel",
    [
        .. Scale,
        .. Text,
        new("text_head", "text_model.head"),
        new("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
        new("visual.conv1", "vision_model.embeddings.patch_embedding"),
        new("visual.ln_post", "vision_model.post_layernorm"),
        new("visual.attn_pool.probe", "vision_model.head.probe"),
        new("visual.attn_pool.in_proj_weight", "vision_model.head.attention.in_proj_weight"),
        new("visual.attn_pool.in_proj_bias", "vision_model.head.attention.in_proj_bias"),
        new("visual.attn_pool.out_proj", "vision_model.head.attention.out_proj"),
        new("visual.attn_pool.ln", "vision_model.head.layernorm"),
        new("visual.attn_pool.mlp.c_fc", "vision_model.head.mlp.fc1"),
        new("visual.attn_pool.mlp.c_proj", "vision_model.head.mlp.fc2"),
        .. Blocks("visual.transformer.resblocks.#", "vision_model.encoder.layers.#"),
    ]);

    /// <summary>The names of <c>AltCLIPModel</c>, as the published files have them.</summary>
    internal static NameTable Alt { get; } = new("Hugging Face's AltCLIPModel",
        [.. Scale[..1], .. ClipVision, .. Bert("text_model.roberta"), new("ln_final", "text_model.pre_LN"),
            new("transformation", "text_model.transformation"), Projection]);

    /// <summary>The names of <c>ChineseCLIPModel</c>.</summary>
    internal static NameTable Chinese { get; } =
        new("Hugging Face's ChineseCLIPModel", [.. Scale[..1], .. ClipVision, .. Bert("text_model"), Projection]);

    /// <summary>The names of BERT and RoBERTa, under a prefix.</summary>
    internal static NameRule[] Bert(string prefix) =>
    [
        new("token_embedding", $"{prefix}.embeddings.word_embeddings"),
        new("token_type_embedding", $"{prefix}.embeddings.token_type_embeddings"),
        new("positional_embedding", $"{prefix}.embeddings.position_embeddings.weight"),
        new("ln_pre", $"{prefix}.embeddings.LayerNorm"),
        new("pooler", $"{prefix}.pooler.dense"),
        .. Kinds.Select(kind => new NameRule($"transformer.resblocks.#.attn.in_proj_{kind}",
            [.. BertParts.Select(part => $"{prefix}.encoder.layer.#.attention.self.{part}.{kind}")])),
        new("transformer.resblocks.#.attn.out_proj", $"{prefix}.encoder.layer.#.attention.output.dense"),
        new("transformer.resblocks.#.ln_1", $"{prefix}.encoder.layer.#.attention.output.LayerNorm"),
        new("transformer.resblocks.#.mlp.c_fc", $"{prefix}.encoder.layer.#.intermediate.dense"),
        new("transformer.resblocks.#.mlp.c_proj", $"{prefix}.encoder.layer.#.output.dense"),
        new("transformer.resblocks.#.ln_2", $"{prefix}.encoder.layer.#.output.LayerNorm"),
    ];

    private static NameRule[] Blocks(string ours, string theirs) =>
    [
        .. Kinds.Select(kind =>
            new NameRule($"{ours}.attn.in_proj_{kind}", [.. "qkv".Select(part => $"{theirs}.self_attn.{part}_proj.{kind}")])),
        new($"{ours}.attn.out_proj", $"{theirs}.self_attn.out_proj"),
        new($"{ours}.ln_1", $"{theirs}.layer_norm1"),
        new($"{ours}.ln_2", $"{theirs}.layer_norm2"),
        new($"{ours}.mlp.c_fc", $"{theirs}.mlp.fc1"),
        new($"{ours}.mlp.c_proj", $"{theirs}.mlp.fc2"),
    ];
}
