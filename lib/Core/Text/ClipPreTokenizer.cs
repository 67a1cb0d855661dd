using System.Globalization;
using System.Text;
using ClipNotebooks.Core.Text.Cleaning;

namespace ClipNotebooks.Core.Text;

/// <summary>
/// Splits cleaned text as CLIP's pattern does (openai/CLIP <c>simple_tokenizer.py</c>): special tokens, English contractions, runs of
/// letters, single numbers, runs of anything else but white space. Letters and numbers are Unicode categories of whole code points, which a
/// .NET regular expression cannot tell beyond U+FFFF.
/// </summary>
internal static class ClipPreTokenizer
{
    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    internal static List<(int Offset, int Length)> Split(string text)
    {
        var pieces = new List<(int, int)>();
        for (int at = 0; at < text.Length;)
        {
            int length = Special(text, at) is var special and > 0 ? special
                : Contraction(text, at) is var contraction and > 0 ? contraction
                : Run(text, at);
            if (length > 0) pieces.Add((at, length));
            at += Math.Max(length, 1);
        }
        return pieces;
    }

    private static int Special(string text, int at)
    {
        foreach (string special in ClipTokenizer.SpecialTokens)
            if (string.Compare(text, at, special, 0, special.Length, StringComparison.OrdinalIgnoreCase) == 0) return special.Length;
        return 0;
    }

    private static int Contraction(string text, int at)
    {
        if (text[at] != '\'') return 0;
        foreach (string contraction in Contractions)
        {
            int k = 1;
            while (k < contraction.Length && at + k < text.Length && Fold(text[at + k]) == contraction[k]) k++;
            if (k == contraction.Length) return k;
        }
        return 0;
    }

    /// <summary>Lower-cases a character, and turns a long s into an s: the pattern ignores case.</summary>
    private static char Fold(char c) => c == '\u017F' ? 's' : char.ToLowerInvariant(c);

    private static int Run(string text, int at)
    {
        var kind = KindAt(text, at, out int length);
        if (kind == Kind.Space) return 0;
        if (kind == Kind.Number) return length;
        int end = at + length;
        while (end < text.Length && KindAt(text, end, out length) == kind) end += length;
        return end - at;
    }

    private enum Kind { Space, Letter, Number, Other }

    private static Kind KindAt(string text, int at, out int length)
    {
        if (!Rune.TryGetRuneAt(text, at, out var rune))
        {
            length = 1;
            return Kind.Other;
        }
        length = rune.Utf16SequenceLength;
        return Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => WhiteSpace.Is(rune) ? Kind.Space : Kind.Other,
        };
    }
}
