namespace ClipNotebooks.Core.Text.Cleaning;

/// <summary>
/// What is done to a caption before its tokenizer sees it. All but <see cref="None"/> repair it first, as ftfy does, and unescape HTML
/// twice.
/// </summary>
public enum TextCleaning
{
    /// <summary>Nothing: a Hugging Face tokenizer's file holds all that it does.</summary>
    None,

    /// <summary>Runs of white space to one space, lower case: CLIP's own (OpenCLIP: <c>lower</c>).</summary>
    Lower,

    /// <summary>
    /// Runs of white space to one space (OpenCLIP: <c>whitespace</c>, its default where a text tower has a tokenizer of its own).
    /// </summary>
    Whitespace,

    /// <summary>Underscores to spaces, then <see cref="Whitespace"/> (OpenCLIP: <c>whitespace_underscore</c>).</summary>
    WhitespaceUnderscore,

    /// <summary>
    /// SigLIP's canonical form: underscores to spaces, ASCII punctuation out, lower case, runs of white space to one space (OpenCLIP:
    /// <c>canonicalize</c>).
    /// </summary>
    Canonicalize,
}
