using System.Buffers;
using System.Globalization;
using System.Text;

namespace ClipNotebooks.Core.Text.Cleaning;

/// <summary>Unicode's full lower-case mapping, as Python's <c>str.lower</c>: İ becomes two characters, Σ at the end of a word ς.</summary>
internal static class LowerCase
{
    internal static string Map(string text)
    {
        if (Ascii.IsValid(text)) return text.ToLowerInvariant();
        var result = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, at, out var rune))
            {
                result.Append(text[at++]);
                continue;
            }
            if (rune.Value == 0x130) result.Append("i\u0307");
            else if (rune.Value == 0x3A3) result.Append(EndsWord(text, at) ? 'ς' : 'σ');
            else result.Append(Rune.ToLowerInvariant(rune));
            at += rune.Utf16SequenceLength;
        }
        return result.ToString();
    }

    /// <summary>Maps each character by itself, as Rust's <c>char::to_lowercase</c>: a Σ is a σ wherever it stands.</summary>
    internal static string MapEach(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) result.Append(rune.Value == 0x130 ? "i\u0307" : Rune.ToLowerInvariant(rune).ToString());
        return result.ToString();
    }

    /// <summary>Unicode's Final_Sigma: a cased letter before and none after, skipping characters that ignore case.</summary>
    private static bool EndsWord(string text, int at)
    {
        foreach (var rune in Before(text, at))
        {
            if (IgnoresCase(rune)) continue;
            return IsCased(rune) && !IsCasedNext(text.AsSpan(at + 1));
        }
        return false;
    }

    private static bool IsCasedNext(ReadOnlySpan<char> text)
    {
        foreach (var rune in text.EnumerateRunes())
            if (!IgnoresCase(rune)) return IsCased(rune);
        return false;
    }

    private static IEnumerable<Rune> Before(string text, int at)
    {
        for (int i = at; i > 0 && Rune.DecodeLastFromUtf16(
            text.AsSpan(0, i), out var rune, out int length) == OperationStatus.Done; i -= length) yield return rune;
    }

    /// <summary>
    /// Letters, and the signs that Unicode lists with them (Other_Lowercase, Other_Uppercase): ª º, Roman numerals, letters in circles and
    /// squares.
    /// </summary>
    private static bool IsCased(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.UppercaseLetter
        or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        || rune.Value is 0xAA or 0xBA or (>= 0x2160 and <= 0x217F) or (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149)
            or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);

    /// <summary>Unicode's Case_Ignorable: signs on and between letters.</summary>
    private static bool IgnoresCase(Rune rune) => rune.Value is '\'' or '.' or ':' or '\u00B7' or '\u0387' or '\u055F' or '\u05F4'
        or '\u2018' or '\u2019' or '\u2024' or '\u2027' or '\uFE13' or '\uFE52' or '\uFE55' or '\uFF07' or '\uFF0E' or '\uFF1A'
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;
}
