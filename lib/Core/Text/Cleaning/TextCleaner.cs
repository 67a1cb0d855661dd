namespace ClipNotebooks.Core.Text.Cleaning;

/// <summary>
/// What CLIP does to a caption before splitting it (openai/CLIP <c>simple_tokenizer.py</c>): repaired as ftfy does, HTML unescaped twice,
/// white space collapsed, lower case; and OpenCLIP's other ways. Of ftfy 6.3.1 every rule of <c>fix_text</c>'s default settings is
/// implemented; not its limit of a million characters a line, nor its functions for bytes and files.
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

    /// <summary>Without the 32 punctuation marks and symbols of ASCII.</summary>
    internal static string WithoutPunctuation(string text) =>
        string.Concat(text.Where(c => !char.IsAscii(c) || !char.IsPunctuation(c) && !char.IsSymbol(c)));
}
