namespace ClipNotebooks.Clip.Models;

/// <summary>Which of a text tower's tokens becomes the text's vector.</summary>
public enum TextPooling
{
    /// <summary>The end token: the first whose id is <see cref="TextConfig.EndOfTextId"/>, or the largest id where there is none.</summary>
    EndOfText,

    /// <summary>The first token.</summary>
    First,

    /// <summary>The last token, padding or not; CoCa's appended class token.</summary>
    Last,

    /// <summary>The mean of all tokens but the padding.</summary>
    Mean,

    /// <summary>Not at all: every token is projected.</summary>
    None,
}
