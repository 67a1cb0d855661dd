using System.Text;

namespace ClipNotebooks.Core.Text.Cleaning;

/// <summary>
/// What counts as white space: Unicode's property, and in Python's <c>str.strip</c> the four separators U+001C–U+001F as well.
/// </summary>
internal static class WhiteSpace
{
    internal static bool Is(Rune rune) => Rune.IsWhiteSpace(rune);

    /// <summary>Strips both ends, and replaces every run inside by one space.</summary>
    /// <param name="text">The text.</param>
    /// <param name="separators">Whether the four separators count inside too, as in Python's <c>\s</c>.</param>
    internal static string Collapse(string text, bool separators = false)
    {
        var result = new StringBuilder(text.Length);
        bool pending = false;
        foreach (char c in Strip(text))
        {
            if (separators ? StripsAt(c) : char.IsWhiteSpace(c))
            {
                pending = true;
                continue;
            }
            if (pending) result.Append(' ');
            pending = false;
            result.Append(c);
        }
        if (pending) result.Append(' ');
        return Strip(result.ToString());
    }

    internal static string Strip(string text)
    {
        int start = 0, end = text.Length;
        while (start < end && StripsAt(text[start])) start++;
        while (end > start && StripsAt(text[end - 1])) end--;
        return text[start..end];
    }

    private static bool StripsAt(char c) => char.IsWhiteSpace(c) || c is >= '\u001C' and <= '\u001F';
}
