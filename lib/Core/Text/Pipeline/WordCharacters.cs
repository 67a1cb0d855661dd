using System.Text;

namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>
/// The characters that belong to words. Of the regular expressions in tokenizers, Rust's split for its own splitters, and Oniguruma's run a
/// file's patterns. Both count all letters, marks, decimal digits and connectors, and what else is alphabetic. .NET's <c>\w</c> lacks
/// spacing marks, as Hindi's vowels, numbers made of letters, as Ⅷ, and letters in circles.
/// </summary>
internal static class WordCharacters
{
    /// <summary>Oniguruma's <c>\w</c> (make_unicode_property_data.py), as it stands within brackets.</summary>
    internal const string OfOniguruma = @"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\u24b6-\u24e9";

    /// <summary>That of Rust's crate regex (Unicode's UTS 18, annex C), within brackets: the same, and the two joiners.</summary>
    internal const string OfRust = OfOniguruma + @"\u200c\u200d";

    private const string Word = $"[{OfOniguruma}]", NoWord = $"[^{OfOniguruma}]";

    /// <summary>Whether it is a letter in a circle or a square beyond U+FFFF, which is alphabetic though a symbol.</summary>
    internal static bool IsEnclosedLetter(Rune rune) =>
        rune.Value is (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);

    /// <summary>Rewrites a pattern of Oniguruma's so that .NET takes the same characters for words.</summary>
    /// <exception cref="NotSupportedException">The pattern has <c>\W</c> within brackets, where .NET cannot express it.</exception>
    internal static string Rewrite(string pattern)
    {
        var result = new StringBuilder(pattern.Length);
        int opened = -1; // where the open brackets begin
        for (int at = 0; at < pattern.Length; at++)
        {
            char sign = pattern[at];
            if (sign == '\\' && at + 1 < pattern.Length)
            {
                result.Append(Escape(pattern[++at], opened >= 0));
                continue;
            }
            if (opened < 0 && sign == '[') opened = at;
            // A closing bracket that comes first within brackets stands for itself.
            else if (sign == ']' && opened >= 0 && pattern[(opened + 1)..at] is not ("" or "^")) opened = -1;
            result.Append(sign);
        }
        return result.ToString();
    }

    private static string Escape(char sign, bool isInBrackets) => (sign, isInBrackets) switch
    {
        ('w', true) => OfOniguruma,
        ('w', false) => Word,
        ('W', true) => throw new NotSupportedException(@"\W within brackets is not supported; write it outside them, after |."),
        ('W', false) => NoWord,
        ('b', false) => $"(?:(?<={Word})(?!{Word})|(?<!{Word})(?={Word}))",
        ('B', false) => $"(?:(?<={Word})(?={Word})|(?<!{Word})(?!{Word}))",
        _ => $"\\{sign}",
    };
}
