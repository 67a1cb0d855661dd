using System.Text.Json;

namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>The values of <c>tokenizer_config.json</c> that change ids or rows.</summary>
internal sealed record TokenizerConfig
{
    /// <summary>The class in Hugging Face's transformers, without "Fast" at its end.</summary>
    internal string? Class { get; private init; }

    /// <summary>The padding token.</summary>
    internal string? Pad { get; private init; }

    /// <summary>Whether rows are filled on the left.</summary>
    internal bool PadsLeft { get; private init; }

    /// <summary>The longest row; a large number where the file sets no bound.</summary>
    internal int MaxLength { get; private init; } = int.MaxValue;

    /// <summary>Whether texts become lower case; null if the file does not say.</summary>
    internal bool? Lower { get; private init; }

    /// <summary>Whether Chinese characters are set apart.</summary>
    internal bool SplitsChinese { get; private init; } = true;

    /// <summary>The added tokens; null where the file lists none.</summary>
    internal IReadOnlyList<AddedToken>? Added { get; private init; }

    internal static TokenizerConfig Read(JsonSection section) => new()
    {
        Class = section.TextOrNone("tokenizer_class") is { } name
            && name.EndsWith("Fast", StringComparison.Ordinal) ? name[..^4] : section.TextOrNone("tokenizer_class"),
        Pad = Content(section, "pad_token"),
        PadsLeft = section.TextOrNone("padding_side") == "left",
        MaxLength = section.Has("model_max_length")
            && section["model_max_length"].AsNumber() is >= 1 and < int.MaxValue and var most ? (int)most : int.MaxValue,
        Lower = section.Has("do_lower_case") ? section.Flag("do_lower_case", true) : null,
        SplitsChinese = section.Flag("tokenize_chinese_chars", true),
        Added = section.Has("added_tokens_decoder") ? [.. section["added_tokens_decoder"].Entries().Select(Token)] : null,
    };

    /// <summary>The text of a token, which the file gives as a string or within an object; null if it is missing.</summary>
    internal static string? Content(JsonSection section, string key) =>
        !section.Has(key) ? null : section[key].Element.ValueKind == JsonValueKind.Object ? section[key].Text("content")
            : section.Text(key);

    private static AddedToken Token((string Name, JsonSection Value) entry) => new(
        entry.Value.Text("content"),
        int.TryParse(entry.Name, out int id) && id >= 0 ? id : throw entry.Value.Wrong("stands under no id"),
        entry.Value.Flag("single_word", false),
        entry.Value.Flag("lstrip", false),
        entry.Value.Flag("rstrip", false));
}
