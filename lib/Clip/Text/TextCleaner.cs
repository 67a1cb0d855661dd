namespace ClipNotebooks.Clip.Text;

/// <summary>
/// What CLIP does to a caption before splitting it (openai/CLIP <c>simple_tokenizer.py</c>): HTML unescaped twice, white space collapsed, lower case.
/// OpenAI's code repairs broken encodings with ftfy first; those repairs are not made here: text that is sound comes out the same.
/// </summary>
public static class TextCleaner
{
    /// <summary>Cleans a caption.</summary>
    public static string Clean(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string unescaped = HtmlEntities.Unescape(HtmlEntities.Unescape(text));
        return LowerCase.Map(WhiteSpace.Collapse(unescaped));
    }
}
