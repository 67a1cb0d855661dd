using System.Text.Json.Nodes;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Names the keys of a configuration that decide a parameter's shape, for messages. The file has been read without error before.
/// </summary>
internal static class ConfigKeys
{
    /// <summary>The text in place of keys where none of them decides a shape.</summary>
    private const string Fixed = "the file that the weights came in, for no value of the configuration decides it";

    /// <param name="parameter">Its name in the model.</param>
    /// <param name="path">The configuration's file.</param>
    /// <param name="openClip">Whether it is OpenCLIP's.</param>
    internal static string Of(string parameter, string path, bool openClip)
    {
        var root = JsonNode.Parse(File.ReadAllBytes(path));
        return openClip ? OpenClip(parameter, root?["model_cfg"] ?? root) : HuggingFace(parameter, $"{root?["model_type"]}");
    }

    private static string OpenClip(string parameter, JsonNode? model)
    {
        bool visual = IsVisual(parameter), mlp = parameter.Contains(".mlp.", StringComparison.Ordinal);
        bool timm = model?["vision_cfg"]?["timm_model_name"] is not null, bert = model?["text_cfg"]?["hf_model_name"] is not null;
        string width = (visual, timm, bert) switch
        {
            (true, true, _) => "vision_cfg.timm_model_name and timm_model_kwargs",
            (true, _, _) => "vision_cfg.width",
            (_, _, true) => "text_cfg.hf_model_config.hidden_size",
            _ => "text_cfg.width",
        };
        string hidden = visual && timm ? width : visual ? "vision_cfg.mlp_ratio and width"
            : bert ? "text_cfg.hf_model_config.intermediate_size and hidden_size" : "text_cfg.mlp_ratio and width";
        return parameter switch
        {
            "visual.conv1.weight" when !timm => "vision_cfg.width and patch_size",
            "visual.positional_embedding" or "visual.attnpool.positional_embedding" when !timm =>
                "vision_cfg.image_size, patch_size and width",
            "visual.positional_embedding" => $"vision_cfg.image_size, {width[11..]}",
            "token_embedding.weight" => bert ? "text_cfg.hf_model_config.vocab_size and hidden_size" : "text_cfg.vocab_size and width",
            "positional_embedding" => bert ? "text_cfg.hf_model_config.max_position_embeddings and hidden_size"
                : "text_cfg.context_length and width",
            _ when IsProjection(parameter) => $"embed_dim and {width}",
            _ when timm && visual => width,
            _ when IsWide(parameter) => mlp ? hidden : width,
            _ => Fixed,
        };
    }

    private static string HuggingFace(string parameter, string type)
    {
        string tower = IsVisual(parameter) ? "vision_config" : "text_config";
        bool siglip = type.StartsWith("siglip", StringComparison.Ordinal), mlp = parameter.Contains(".mlp.", StringComparison.Ordinal);
        return parameter switch
        {
            "visual.conv1.weight" => "vision_config.hidden_size and patch_size",
            "visual.positional_embedding" when type.StartsWith("siglip2", StringComparison.Ordinal) =>
                "vision_config.num_patches and hidden_size",
            "visual.positional_embedding" => "vision_config.image_size, patch_size and hidden_size",
            "token_embedding.weight" => "text_config.vocab_size and hidden_size",
            "positional_embedding" => "text_config.max_position_embeddings and hidden_size",
            _ when parameter.StartsWith("transformation.", StringComparison.Ordinal) => "text_config.project_dim and hidden_size",
            _ when IsProjection(parameter) => siglip ? "text_config.projection_size and hidden_size"
                : $"projection_dim and {tower}.hidden_size",
            _ when IsWide(parameter) => $"{tower}.{(mlp ? "intermediate_size and " : "")}hidden_size",
            _ => Fixed,
        };
    }

    private static bool IsVisual(string parameter) => parameter.StartsWith("visual.", StringComparison.Ordinal);

    /// <summary>Whether a parameter belongs to a projection into the shared space.</summary>
    private static bool IsProjection(string parameter) => parameter is "visual.proj" or "text_projection"
        || parameter.StartsWith("text_head.", StringComparison.Ordinal) || parameter.StartsWith("visual.head.", StringComparison.Ordinal);

    /// <summary>Whether only the widths of a tower's layers decide a parameter's shape.</summary>
    private static bool IsWide(string parameter) =>
        parameter.Contains("transformer.resblocks.", StringComparison.Ordinal) || parameter.Contains(".ln_", StringComparison.Ordinal)
        || parameter.StartsWith("ln_", StringComparison.Ordinal) || parameter.StartsWith("visual.layer", StringComparison.Ordinal)
        || parameter.Contains("attn_pool", StringComparison.Ordinal) || parameter.Contains("attnpool", StringComparison.Ordinal)
        || parameter.StartsWith("token_type_embedding", StringComparison.Ordinal) || parameter == "visual.class_embedding";
}
