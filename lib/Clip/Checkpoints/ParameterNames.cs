using System.Text.RegularExpressions;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>The names of CLIP's parameters, from each naming to the other.</summary>
public static partial class ParameterNames
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

    private static readonly Dictionary<string, string> BlocksBack = Blocks.ToDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);
    private static readonly Dictionary<string, string> OthersBack = Others.ToDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>Where a parameter lies in a checkpoint of the given naming.</summary>
    /// <param name="name">The parameter's name in <see cref="Models.ClipModel"/>.</param>
    /// <param name="naming">The checkpoint's.</param>
    /// <exception cref="ArgumentException">The parameter has no place there, as a ResNet's in Hugging Face's.</exception>
    public static ParameterSource Source(string name, ParameterNaming naming)
    {
        ArgumentNullException.ThrowIfNull(name);
        return naming switch
        {
            ParameterNaming.OpenAi => new ParameterSource([name], false),
            ParameterNaming.OpenClipCustomText => new ParameterSource([IsText(name) ? "text." + name : name], false),
            ParameterNaming.HuggingFace => HuggingFace(name),
            _ => throw new ArgumentOutOfRangeException(nameof(naming), naming, null),
        };
    }

    /// <summary>Where a tensor of a checkpoint goes in <see cref="Models.ClipModel"/>.</summary>
    /// <param name="key">The tensor's name in the checkpoint.</param>
    /// <param name="naming">The checkpoint's.</param>
    /// <exception cref="ArgumentException">No parameter answers to the name.</exception>
    public static ParameterTarget Target(string key, ParameterNaming naming)
    {
        ArgumentNullException.ThrowIfNull(key);
        return naming switch
        {
            ParameterNaming.OpenAi => new ParameterTarget(key, null, false),
            ParameterNaming.OpenClipCustomText => new ParameterTarget(key.StartsWith("text.", StringComparison.Ordinal) ? key["text.".Length..] : key, null, false),
            ParameterNaming.HuggingFace => FromHuggingFace(key),
            _ => throw new ArgumentOutOfRangeException(nameof(naming), naming, null),
        };
    }

    /// <summary>The naming that a checkpoint's tensors follow, told from those that every checkpoint of it has.</summary>
    /// <returns>None where it is no CLIP's.</returns>
    public static ParameterNaming? Detect(IReadOnlyCollection<string> keys) =>
        keys.Contains("text.ln_final.weight") ? ParameterNaming.OpenClipCustomText
        : keys.Contains("visual.conv1.weight") || keys.Contains("ln_final.weight") ? ParameterNaming.OpenAi
        : keys.Any(key => key.StartsWith("vision_model.", StringComparison.Ordinal) || key.StartsWith("text_model.", StringComparison.Ordinal)) ? ParameterNaming.HuggingFace
        : null;

    /// <summary>What published files carry and no model needs: Hugging Face's older buffers of positions 0, 1, 2, …, and the three integers of OpenAI's archives.</summary>
    public static bool IsIgnored(string key) => key is
        "text_model.embeddings.position_ids" or "vision_model.embeddings.position_ids" or "input_resolution" or "context_length" or "vocab_size";

    private static bool IsText(string name) => name != "logit_scale" && !name.StartsWith("visual.", StringComparison.Ordinal);

    private static ParameterSource HuggingFace(string name)
    {
        if (Others.TryGetValue(name, out string? source)) return new ParameterSource([source], IsTransposed(name));
        var block = OpenAiBlock().Match(name);
        if (!block.Success) throw NoPlace(name);

        string prefix = $"{(block.Groups["visual"].Success ? "vision" : "text")}_model.encoder.layers.{block.Groups["layer"]}";
        string inner = block.Groups["inner"].Value;
        if (inner is "attn.in_proj_weight" or "attn.in_proj_bias")
            return new ParameterSource([.. "qkv".Select(c => $"{prefix}.self_attn.{c}_proj.{inner[(inner.LastIndexOf('_') + 1)..]}")], false);
        int dot = inner.LastIndexOf('.');
        return dot > 0 && Blocks.TryGetValue(inner[..dot], out string? module) ? new ParameterSource([$"{prefix}.{module}{inner[dot..]}"], false) : throw NoPlace(name);

        static ArgumentException NoPlace(string name) => new($"The parameter \"{name}\" has no place in Hugging Face's CLIPModel.", nameof(name));
    }

    private static ParameterTarget FromHuggingFace(string key)
    {
        if (OthersBack.TryGetValue(key, out string? name)) return new ParameterTarget(name, null, IsTransposed(name));
        var block = HuggingFaceBlock().Match(key);
        if (block.Success)
        {
            string prefix = $"{(block.Groups["tower"].Value == "vision" ? "visual." : "")}transformer.resblocks.{block.Groups["layer"]}", kind = block.Groups["kind"].Value;
            if (block.Groups["part"].Success) return new ParameterTarget($"{prefix}.attn.in_proj_{kind}", "qkv".IndexOf(block.Groups["part"].Value[0]), false);
            if (BlocksBack.TryGetValue(block.Groups["module"].Value, out string? module)) return new ParameterTarget($"{prefix}.{module}.{kind}", null, false);
        }
        throw new ArgumentException($"No parameter of a CLIP is called \"{key}\" in Hugging Face's CLIPModel.", nameof(key));
    }

    private static bool IsTransposed(string name) => name is "visual.proj" or "text_projection";

    [GeneratedRegex(@"^(?<visual>visual\.)?transformer\.resblocks\.(?<layer>\d+)\.(?<inner>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex OpenAiBlock();

    [GeneratedRegex(@"^(?<tower>vision|text)_model\.encoder\.layers\.(?<layer>\d+)\.(self_attn\.(?<part>[qkv])_proj|(?<module>.+))\.(?<kind>weight|bias)$", RegexOptions.ExplicitCapture)]
    private static partial Regex HuggingFaceBlock();
}
