using System.Text.RegularExpressions;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Where a parameter of <see cref="Models.ClipModel"/>, under openai/CLIP's name, lies in a Hugging Face <c>CLIPModel</c> checkpoint: under one name, or under three that q, k and v have there,
/// and transposed where Hugging Face has a linear layer for a bare matrix.
/// </summary>
/// <param name="Sources">The Hugging Face names; several are joined along the first dimension.</param>
/// <param name="Transposed">Whether rows and columns change places.</param>
internal sealed record ParameterSource(IReadOnlyList<string> Sources, bool Transposed);

/// <summary>The two ways of naming CLIP's parameters.</summary>
internal static partial class ParameterNames
{
    private static readonly Dictionary<string, string> Blocks = new(StringComparer.Ordinal)
    {
        ["ln_1"] = "layer_norm1",
        ["ln_2"] = "layer_norm2",
        ["attn.out_proj"] = "self_attn.out_proj",
        ["mlp.c_fc"] = "mlp.fc1",
        ["mlp.c_proj"] = "mlp.fc2",
    };

    private static readonly Dictionary<string, string> Others = new(StringComparer.Ordinal)
    {
        ["logit_scale"] = "logit_scale",
        ["positional_embedding"] = "text_model.embeddings.position_embedding.weight",
        ["token_embedding.weight"] = "text_model.embeddings.token_embedding.weight",
        ["ln_final.weight"] = "text_model.final_layer_norm.weight",
        ["ln_final.bias"] = "text_model.final_layer_norm.bias",
        ["text_projection"] = "text_projection.weight",
        ["visual.class_embedding"] = "vision_model.embeddings.class_embedding",
        ["visual.positional_embedding"] = "vision_model.embeddings.position_embedding.weight",
        ["visual.conv1.weight"] = "vision_model.embeddings.patch_embedding.weight",
        ["visual.ln_pre.weight"] = "vision_model.pre_layrnorm.weight",
        ["visual.ln_pre.bias"] = "vision_model.pre_layrnorm.bias",
        ["visual.ln_post.weight"] = "vision_model.post_layernorm.weight",
        ["visual.ln_post.bias"] = "vision_model.post_layernorm.bias",
        ["visual.proj"] = "visual_projection.weight",
    };

    /// <summary>The Hugging Face place of a parameter.</summary>
    /// <exception cref="ArgumentException">The parameter has none, as a ResNet's.</exception>
    internal static ParameterSource HuggingFace(string name)
    {
        if (Others.TryGetValue(name, out string? source)) return new ParameterSource([source], name is "visual.proj" or "text_projection");
        var block = Block().Match(name);
        if (!block.Success) throw new ArgumentException($"The parameter \"{name}\" has no place in Hugging Face's CLIPModel.", nameof(name));

        string prefix = $"{(block.Groups["visual"].Success ? "vision" : "text")}_model.encoder.layers.{block.Groups["layer"]}";
        string inner = block.Groups["inner"].Value;
        if (inner is "attn.in_proj_weight" or "attn.in_proj_bias")
            return new ParameterSource([.. "qkv".Select(c => $"{prefix}.self_attn.{c}_proj.{inner[(inner.LastIndexOf('_') + 1)..]}")], false);
        int dot = inner.LastIndexOf('.');
        return Blocks.TryGetValue(inner[..dot], out string? module)
            ? new ParameterSource([$"{prefix}.{module}{inner[dot..]}"], false)
            : throw new ArgumentException($"The parameter \"{name}\" has no place in Hugging Face's CLIPModel.", nameof(name));
    }

    /// <summary>Buffers that older files carry and no model needs.</summary>
    internal static bool IsIgnored(string name) =>
        name.EndsWith(".position_ids", StringComparison.Ordinal) || name is "input_resolution" or "context_length" or "vocab_size";

    [GeneratedRegex(@"^(?<visual>visual\.)?transformer\.resblocks\.(?<layer>\d+)\.(?<inner>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Block();
}
