using System.Text.RegularExpressions;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Where the parameters of a <see cref="Models.SiglipModel"/> lie in Hugging Face's <c>SiglipModel</c>.</summary>
internal static partial class SiglipNames
{
    private static readonly Dictionary<string, string> Others = new(StringComparer.Ordinal)
    {
        ["logit_scale"] = "logit_scale",
        ["logit_bias"] = "logit_bias",
        ["text.positional_embedding"] = "text_model.embeddings.position_embedding.weight",
        ["text.token_embedding.weight"] = "text_model.embeddings.token_embedding.weight",
        ["text.ln_final.weight"] = "text_model.final_layer_norm.weight",
        ["text.ln_final.bias"] = "text_model.final_layer_norm.bias",
        ["text.text_projection.weight"] = "text_model.head.weight",
        ["text.text_projection.bias"] = "text_model.head.bias",
        ["visual.positional_embedding"] = "vision_model.embeddings.position_embedding.weight",
        ["visual.conv1.weight"] = "vision_model.embeddings.patch_embedding.weight",
        ["visual.conv1.bias"] = "vision_model.embeddings.patch_embedding.bias",
        ["visual.ln_post.weight"] = "vision_model.post_layernorm.weight",
        ["visual.ln_post.bias"] = "vision_model.post_layernorm.bias",
        ["visual.attn_pool.probe"] = "vision_model.head.probe",
        ["visual.attn_pool.in_proj_weight"] = "vision_model.head.attention.in_proj_weight",
        ["visual.attn_pool.in_proj_bias"] = "vision_model.head.attention.in_proj_bias",
        ["visual.attn_pool.out_proj.weight"] = "vision_model.head.attention.out_proj.weight",
        ["visual.attn_pool.out_proj.bias"] = "vision_model.head.attention.out_proj.bias",
        ["visual.attn_pool.ln.weight"] = "vision_model.head.layernorm.weight",
        ["visual.attn_pool.ln.bias"] = "vision_model.head.layernorm.bias",
        ["visual.attn_pool.mlp.c_fc.weight"] = "vision_model.head.mlp.fc1.weight",
        ["visual.attn_pool.mlp.c_fc.bias"] = "vision_model.head.mlp.fc1.bias",
        ["visual.attn_pool.mlp.c_proj.weight"] = "vision_model.head.mlp.fc2.weight",
        ["visual.attn_pool.mlp.c_proj.bias"] = "vision_model.head.mlp.fc2.bias",
    };

    /// <summary>Blocks have CLIP's names in both places.</summary>
    /// <exception cref="ArgumentException">The parameter has no place there.</exception>
    internal static ParameterSource Source(string name)
    {
        if (Others.TryGetValue(name, out string? key)) return new ParameterSource([key], false);
        return Block().IsMatch(name)
            ? ParameterNames.Source(name.StartsWith("text.", StringComparison.Ordinal) ? name["text.".Length..] : name, ParameterNaming.HuggingFace)
            : throw new ArgumentException($"The parameter \"{name}\" has no place in Hugging Face's SiglipModel.", nameof(name));
    }

    [GeneratedRegex(@"^(visual|text)\.transformer\.resblocks\.\d+\.", RegexOptions.ExplicitCapture)]
    private static partial Regex Block();
}
