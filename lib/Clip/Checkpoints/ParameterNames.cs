namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Translates the names of CLIP's parameters between this library and each naming. Other families' names are in tables of their own, chosen
/// by the model's shape.
/// </summary>
public static class ParameterNames
{
    /// <summary>Where a checkpoint of the given naming stores a parameter.</summary>
    /// <param name="name">The parameter's name in <see cref="Models.ClipModel"/>.</param>
    /// <param name="naming">The checkpoint's naming.</param>
    /// <exception cref="ArgumentException">The naming has no name for the parameter, as Hugging Face's for a ResNet's.</exception>
    public static ParameterSource Source(string name, ParameterNaming naming)
    {
        ArgumentNullException.ThrowIfNull(name);
        return naming switch
        {
            ParameterNaming.OpenAi => new ParameterSource([name], false),
            ParameterNaming.OpenClipCustomText => new ParameterSource([IsText(name) ? "text." + name : name], false),
            ParameterNaming.HuggingFace => HuggingFaceNames.Clip.Source(name),
            _ => throw new ArgumentOutOfRangeException(nameof(naming), naming, null),
        };
    }

    /// <summary>Where a tensor of a checkpoint goes in <see cref="Models.ClipModel"/>.</summary>
    /// <param name="key">The tensor's name in the checkpoint.</param>
    /// <param name="naming">The checkpoint's naming.</param>
    /// <exception cref="ArgumentException">No parameter corresponds to the name.</exception>
    public static ParameterTarget Target(string key, ParameterNaming naming)
    {
        ArgumentNullException.ThrowIfNull(key);
        return naming switch
        {
            ParameterNaming.OpenAi => new ParameterTarget(key, null, false),
            ParameterNaming.OpenClipCustomText => new ParameterTarget(
                key.StartsWith("text.", StringComparison.Ordinal) ? key["text.".Length..] : key, null, false),
            ParameterNaming.HuggingFace => HuggingFaceNames.Clip.Target(key),
            _ => throw new ArgumentOutOfRangeException(nameof(naming), naming, null),
        };
    }

    /// <summary>Detects the naming that a checkpoint's tensors follow, by names that every checkpoint of that naming has.</summary>
    /// <returns>The naming; null if the tensors are no CLIP's.</returns>
    public static ParameterNaming? Detect(IReadOnlyCollection<string> keys) =>
        keys.Any(key => key.StartsWith("text.", StringComparison.Ordinal)) ? ParameterNaming.OpenClipCustomText
        : keys.Contains("visual.conv1.weight") || keys.Contains("ln_final.weight") ? ParameterNaming.OpenAi
        : keys.Any(key => key.StartsWith("vision_model.", StringComparison.Ordinal)
            || key.StartsWith("text_model.", StringComparison.Ordinal)) ? ParameterNaming.HuggingFace
        : null;

    /// <summary>
    /// Whether a tensor is one that published files contain and no model needs: Hugging Face's older buffers of positions 0, 1, 2, …, and
    /// the three integers of OpenAI's archives.
    /// </summary>
    public static bool IsIgnored(string key) => key is
        "text_model.embeddings.position_ids" or "vision_model.embeddings.position_ids" or "input_resolution" or "context_length"
            or "vocab_size";

    private static bool IsText(string name) => name != "logit_scale" && !name.StartsWith("visual.", StringComparison.Ordinal);
}
