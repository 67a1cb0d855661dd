namespace ClipNotebooks.Clip.Text;

/// <summary>
/// What CLIP does to a caption before splitting it (openai/CLIP <c>simple_tokenizer.py</c>): repaired as ftfy does, HTML unescaped twice, white space collapsed, lower case. Of ftfy 6.3.1 every
/// rule of <c>fix_text</c>'s default settings is implemented; not its limit of a million characters a line, nor its functions for bytes and files.
/// </summary>
public static class TextCleaner
{
    /// <summary>Cleans a caption.</summary>
    public static string Clean(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string unescaped = HtmlEntities.Unescape(HtmlEntities.Unescape(TextRepair.Repair(text)));
        return LowerCase.Map(WhiteSpace.Collapse(unescaped));
    }
}
