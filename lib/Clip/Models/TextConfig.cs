namespace ClipNotebooks.Clip.Models;

/// <summary>The shape of the text transformer (paper, section 2.4).</summary>
public sealed record TextConfig
{
    /// <summary>The longest row of token ids, start and end included.</summary>
    public int ContextLength { get; init; } = 77;

    /// <summary>The number of token ids.</summary>
    public int VocabularySize { get; init; } = 49408;

    /// <summary>D, the width of a token.</summary>
    public required int Width { get; init; }

    /// <summary>The number of blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>H, the number of attention heads.</summary>
    public required int Heads { get; init; }

    /// <summary>The width of the MLP's hidden layer; four times the width by default.</summary>
    public int? MlpWidth { get; init; }

    /// <summary>
    /// Where the factors begin that each block learns for the channels it adds (OpenCLIP's <c>ls_init_value</c>); none, as in every published CLIP, means no such factors.
    /// </summary>
    public double? LayerScale { get; init; }

    /// <summary>
    /// The id whose first position is pooled. Without one the position of the largest id is (openai/CLIP <c>model.py</c>, and Hugging Face where
    /// <c>eos_token_id</c> is 2): the end token has the largest id of the vocabulary.
    /// </summary>
    public int? EndOfTextId { get; init; }

    internal void Validate()
    {
        BlockShape.Validate("Text", Width, Layers, Heads, MlpWidth, LayerScale);
        if (ContextLength < 2) throw new ArgumentException($"Text.ContextLength is {ContextLength}; start and end token need at least 2.");
        if (VocabularySize < 2) throw new ArgumentException($"Text.VocabularySize is {VocabularySize}; start and end token need at least 2.");
        if (EndOfTextId is { } id && (id < 0 || id >= VocabularySize))
            throw new ArgumentException($"Text.EndOfTextId is {id}; it must be below Text.VocabularySize ({VocabularySize}).");
    }
}
