using System.Globalization;
using System.Text;

namespace ClipNotebooks.Clip.Text;

/// <summary>Unicode's full lower-case mapping, as Python's <c>str.lower</c>: İ becomes two characters, Σ at the end of a word ς.</summary>
internal static class LowerCase
{
    internal static string Map(string text)
    {
        var result = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, at, out var rune))
            {
                result.Append(text[at++]);
                continue;
            }
            result.Append(rune.Value switch
            {
                0x130 => "i\u0307",
                0x3A3 => EndsWord(text, at) ? "ς" : "σ",
                _ => Rune.ToLowerInvariant(rune).ToString(),
            });
            at += rune.Utf16SequenceLength;
        }
        return result.ToString();
    }

    /// <summary>Unicode's Final_Sigma: a cased letter before and none after, signs that ignore case passed over.</summary>
    private static bool EndsWord(string text, int at)
    {
        int before = at - 1, after = at + 1;
        while (before >= 0 && IgnoresCase(text[before])) before--;
        while (after < text.Length && IgnoresCase(text[after])) after++;
        return before >= 0 && IsCased(text[before]) && !(after < text.Length && IsCased(text[after]));
    }

    private static bool IsCased(char c) => char.GetUnicodeCategory(c) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter;

    private static bool IgnoresCase(char c) => c is '\'' or '.' or ':' or '·' or '\u2018' or '\u2019' or '\u2024' or '\u2027'
        || char.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;
}
