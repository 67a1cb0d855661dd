namespace ClipNotebooks.Clip.Models;

/// <summary>Which of a text tower's tokens becomes the text's vector.</summary>
public enum TextPooling
{
    /// <summary>The end token: the first with the id <see cref="TextConfig.EndOfTextId"/>, or the largest id where that is null.</summary>
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
