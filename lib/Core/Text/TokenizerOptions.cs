using ClipNotebooks.Core.Text.Cleaning;

namespace ClipNotebooks.Core.Text;

/// <summary>What a model's configuration says about its tokenizer, beside the tokenizer's own files.</summary>
public sealed record TokenizerOptions
{
    /// <summary>The longest row that the model takes.</summary>
    public int ContextLength { get; init; } = 77;

    /// <summary>Hugging Face's <c>model_type</c>, which decides if the folder does not name its tokenizer's class.</summary>
    public string? ModelType { get; init; }

    /// <summary>
    /// How OpenCLIP cleans a caption before its tokenizer sees it; null in Hugging Face's layout, where the tokenizer's class decides.
    /// </summary>
    public TextCleaning? Cleaning { get; init; }

    /// <summary>Whether the token at a row's end becomes 0 (OpenCLIP's <c>strip_sep_token</c>).</summary>
    public bool StripsEnd { get; init; }
}
