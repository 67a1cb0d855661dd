using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Where a checkpoint stores a model's parameters, for models of every family.</summary>
internal static class ModelNames
{
    /// <exception cref="ArgumentException">The naming has no names for the model.</exception>
    internal static Func<string, ParameterSource> Of(ClipConfig config, ParameterNaming naming) => naming switch
    {
        ParameterNaming.OpenAi => OpenClipNames.Of(config, ""),
        ParameterNaming.OpenClipCustomText => OpenClipNames.Of(config, "text."),
        _ => HuggingFaceFamily.Of(config).Names.Source,
    };

    /// <summary>
    /// The same for a file, whose blocks may be named <c>encoder.layer</c> or <c>encoder.layers</c>: transformers 5 calls BERT's blocks
    /// <c>encoder.layers</c> in memory and AltCLIP's image blocks <c>encoder.layer</c> in files; published files have the reverse.
    /// </summary>
    internal static Func<string, ParameterSource> In(IWeightFile weights, Func<string, ParameterSource> find) => name =>
    {
        var source = find(name);
        return source.Sources.All(weights.Contains) || source.Sources.Select(Other).ToList() is var others
            && !others.All(weights.Contains) ? source : source with { Sources = [.. source.Sources.Select(Other)] };
    };

    /// <summary>
    /// Whether a file may have a tensor that is not loaded: a buffer, or one of a part of the model that is not built here.
    /// </summary>
    internal static bool IsElsewhere(ClipConfig config, string key) =>
        key.EndsWith(".position_ids", StringComparison.Ordinal) || key.EndsWith(".token_type_ids", StringComparison.Ordinal)
        || config.Text.AppendedClassToken && key.StartsWith("text_decoder.", StringComparison.Ordinal)
        || config.Text is { TokenTypes: > 0, Pooler: false } && key.StartsWith("text_model.pooler.", StringComparison.Ordinal);

    private static string Other(string key) => key.Contains(".encoder.layers.", StringComparison.Ordinal)
        ? key.Replace(".encoder.layers.", ".encoder.layer.", StringComparison.Ordinal)
        : key.Replace(".encoder.layer.", ".encoder.layers.", StringComparison.Ordinal);
}
