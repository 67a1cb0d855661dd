namespace ClipNotebooks.Core.Text.Cleaning;

/// <summary>
/// Cleans a caption as CLIP does before splitting it (openai/CLIP <c>simple_tokenizer.py</c>): repairs it as ftfy does, unescapes HTML
/// twice, collapses white space and lower-cases; also in OpenCLIP's other ways. Implements every rule of ftfy 6.3.1's <c>fix_text</c> with
/// default settings, but neither its limit of a million characters a line nor its functions for bytes and files.
/// </summary>
public static class TextCleaner
{
    /// <summary>Cleans a caption.</summary>
    /// <param name="text">The caption.</param>
    /// <param name="cleaning">How; CLIP's own way by default.</param>
    public static string Clean(string text, TextCleaning cleaning = TextCleaning.Lower)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (cleaning == TextCleaning.None) return text;
        string clean = WhiteSpace.Strip(HtmlEntities.Unescape(HtmlEntities.Unescape(TextRepair.Repair(text))));
        return cleaning switch
        {
            TextCleaning.Lower => LowerCase.Map(WhiteSpace.Collapse(clean)),
            TextCleaning.Whitespace => WhiteSpace.Collapse(clean),
            TextCleaning.WhitespaceUnderscore => WhiteSpace.Collapse(clean.Replace('_', ' ')),
            TextCleaning.Canonicalize => WhiteSpace.Collapse(LowerCase.Map(WithoutPunctuation(clean.Replace('_', ' ')))),
            _ => throw new ArgumentOutOfRangeException(nameof(cleaning), cleaning, "There is no such cleaning."),
        };
    }

    /// <summary>Removes the 32 punctuation marks and symbols of ASCII.</summary>
    internal static string WithoutPunctuation(string text) =>
        string.Concat(text.Where(c => !char.IsAscii(c) || !char.IsPunctuation(c) && !char.IsSymbol(c)));
}
