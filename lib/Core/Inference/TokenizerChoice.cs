using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Core.Text.Cleaning;

namespace ClipNotebooks.Core.Inference;

/// <summary>Opens the tokenizer that a model's configuration asks for.</summary>
internal static class TokenizerChoice
{
    private static readonly Dictionary<string, TextCleaning> Cleanings = new(StringComparer.Ordinal)
    {
        ["lower"] = TextCleaning.Lower,
        ["whitespace"] = TextCleaning.Whitespace,
        ["whitespace_underscore"] = TextCleaning.WhitespaceUnderscore,
        ["canonicalize"] = TextCleaning.Canonicalize,
    };

    /// <summary>
    /// In Hugging Face's layout: the tokenizer follows from the folder's files and from the configuration's <c>model_type</c>.
    /// </summary>
    internal static ITokenizer HuggingFace(string folder, int contextLength)
    {
        string config = Path.Combine(folder, CheckpointFolder.HuggingFaceConfigName);
        string? type = File.Exists(config) ? ConfigSection.Load(config, root => root.Word("model_type", "")) : null;
        return TokenizerFolder.Load(folder, new TokenizerOptions { ContextLength = contextLength, ModelType = type });
    }

    /// <summary>
    /// In OpenCLIP's layout: CLIP's own tokenizer; or, if <c>hf_tokenizer_name</c> is set, the Hugging Face tokenizer in the same folder,
    /// after a cleaning of captions.
    /// </summary>
    /// <exception cref="CheckpointException">The configuration asks for something unsupported; the message names the key.</exception>
    internal static ITokenizer OpenClip(string folder, string config, int contextLength)
    {
        var options = ConfigSection.Load(config, root => Options(root.Has("model_cfg") ? root.Section("model_cfg") : root));
        return options is null
            ? ClipTokenizer.Load(folder, contextLength)
            : TokenizerFolder.Load(folder, options with { ContextLength = contextLength });
    }

    /// <returns>Null for CLIP's own tokenizer.</returns>
    private static TokenizerOptions? Options(ConfigSection model)
    {
        if (!model.Has("text_cfg")) return null;
        var text = model.Section("text_cfg");
        text.Refuse("tokenizer_mode", "tokenizer_type");
        var arguments = text.Has("tokenizer_kwargs") ? text.Section("tokenizer_kwargs") : null;
        arguments?.RefuseOthers(["clean", "strip_sep_token"]);
        bool isClips = text.Word("hf_tokenizer_name", "").Length == 0;
        string clean = arguments?.Word("clean", isClips ? "lower" : "whitespace") ?? (isClips ? "lower" : "whitespace");
        if (!Cleanings.TryGetValue(clean, out var cleaning) || isClips && cleaning != TextCleaning.Lower)
        {
            string known = isClips ? "\"lower\" is" : $"{string.Join(", ", Cleanings.Keys)} are";
            throw ConfigSection.Unsupported($"\"{arguments!.Name("clean")}\" is \"{clean}\"; {known} supported");
        }
        return isClips ? null : new TokenizerOptions { Cleaning = cleaning, StripsEnd = arguments?.Flag("strip_sep_token") == true };
    }
}
