using System.Text;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Core.Text.Cleaning;

/// <summary>
/// Undoes a wrong decoding: UTF-8 that was read in a single-byte encoding, once or several times (the rules of ftfy 6.3.1's
/// <c>fix_encoding</c>). Bytes are held as characters of the same code.
/// </summary>
internal static class Mojibake
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>A byte A0 that became an ordinary space inside what would be UTF-8.</summary>
    private static readonly Regex SpacedUtf8 = new("[ÂÃÅÎÐÙ] |[âã] [\x80-\x84\x86-\x9F¡-¿]|[à-ã][\x80-\x84\x86-\x9F¡-¿] |ð " +
        "[\x80-¿]{2}|ð[\x80-¿] [\x80-¿]|ð[\x80-¿]{2} ", RegexOptions.CultureInvariant);

    /// <summary>The same for the byte A0 of "à" before the next word; not in Portuguese "às" and "àquele".</summary>
    private static readonly Regex SpacedGrave = new("Ã (?! |quele|quela|quilo|s )", RegexOptions.CultureInvariant);

    /// <summary>UTF-8 with lost bytes, which appear as 1A, or one of them as a question mark.</summary>
    private static readonly Regex LossyUtf8 = new(
        "[Â-ß]\x1A|[ÂÃ]\\?|í[\xA0-¯][\x1A?]í[°-¿][\x1A?\x80-¿]|" +
        "í[\xA0-¯][\x1A?\x80-¿]í[°-¿][\x1A?]|[à-ï][\x1A?][\x1A\x80-¿]|[à-ï][\x1A\x80-¿][\x1A?]"
        + "|[ð-ô][\x1A?][\x1A\x80-¿]{2}|[ð-ô][\x1A\x80-¿][\x1A?][\x1A\x80-¿]|[ð-ô][\x1A\x80-¿]{2}[\x1A?]|\x1A",
        RegexOptions.CultureInvariant);

    /// <summary>Surrogates that were each encoded in three bytes, and Java's two bytes for zero.</summary>
    private static readonly Regex Variants = new("À\x80|í[\xA0-¯][\x80-¿]í[°-¿][\x80-¿]", RegexOptions.CultureInvariant);

    /// <summary>Runs inside a text that look like UTF-8's bytes, which are repaired piece by piece.</summary>
    private static readonly Regex EmbeddedUtf8 = BuildEmbedded();

    /// <summary>
    /// The most nested wrong decodings that are undone: more than any real text has, since each makes the text twice as long.
    /// </summary>
    private const int Deepest = 16;

    /// <summary>Repairs until nothing changes.</summary>
    internal static string Repair(string text)
    {
        string before = "";
        for (int round = 0; round < Deepest && before != text; round++)
        {
            before = text;
            text = RepairOnce(text);
        }
        return text;
    }

    /// <summary>Replaces C1 control characters, which are never intended, by Windows-1252's characters.</summary>
    internal static string RepairControls(string text) => text.AsSpan().ContainsAnyInRange('\x80', '\x9F')
        ? string.Concat(text.Select(c => c is >= '\x80' and <= '\x9F' ? SingleByteEncoding.Windows1252.Character(c) : c))
        : text;

    private static string RepairOnce(string text)
    {
        if (Ascii.IsValid(text) || !Implausible.In(text)) return text;
        foreach (var encoding in SingleByteEncoding.All)
            if (encoding.TryEncode(text) is { } bytes && Decode(bytes, encoding) is { } whole) return whole;

        string pieces = EmbeddedUtf8.Replace(text, match =>
            match.Length < text.Length && Implausible.In(match.Value) ? Repair(match.Value) : match.Value);
        if (pieces != text) return pieces;

        // Windows-1252 in a page that says Latin-1.
        if (SingleByteEncoding.Latin1.TryEncode(text) is not null && !text.AsSpan().ContainsAny("\x81\x8D\x8F\x90\x9D")
            && RepairControls(text) is var windows && windows != text) return windows;
        return RepairControls(text);
    }

    private static string? Decode(string bytes, SingleByteEncoding encoding)
    {
        if (encoding.RestoresSpaces && SpacedUtf8.IsMatch(bytes))
            bytes = SpacedUtf8.Replace(SpacedGrave.Replace(bytes, "Ã\xA0 "), match => match.Value.Replace(' ', '\xA0'));
        if (encoding.MarksLost) bytes = LossyUtf8.Replace(bytes, "ï¿½");
        if (bytes.AsSpan().ContainsAny('í', 'À')) bytes = Variants.Replace(bytes, match => FromVariant(match.Value));
        try
        {
            return Strict.GetString(Encoding.Latin1.GetBytes(bytes));
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static string FromVariant(string bytes)
    {
        if (bytes.Length == 2) return "\0";
        int rune = ((bytes[1] & 0x0F) << 16) + ((bytes[2] & 0x3F) << 10) + ((bytes[4] & 0x0F) << 6) + (bytes[5] & 0x3F) + 0x10000;
        return Encoding.Latin1.GetString(Strict.GetBytes(char.ConvertFromUtf32(rune)));
    }

    /// <summary>
    /// Matches runs of UTF-8 as it looks in any of the Latin-1-like encodings: a lead byte and as many continuation bytes as it needs. A
    /// run does not start after a character that could be a continuation byte, so that a few letters of a long garble are not repaired
    /// alone.
    /// </summary>
    private static Regex BuildEmbedded()
    {
        const string Punctuation = "–—―‘’‚“”„•…";
        string others = Characters(0x80, 0xBF) + " ";
        string strict = string.Concat(others.Where(c => c != ' ' && !Punctuation.Contains(c, StringComparison.Ordinal)));
        return new Regex(
            $"(?<![{strict}])(?:[{Characters(0xC2, 0xDF)}][{others}]|[{Characters(0xE0, 0xEF)}][{others}]{{2}}|" +
            $"[{Characters(0xF0, 0xF0) + Characters(0xF3, 0xF3)}][{others}]{{3}})+",
            RegexOptions.CultureInvariant);
    }

    /// <summary>The characters that the bytes of a range stand for in Latin-1 and the Windows code pages.</summary>
    private static string Characters(int first, int last) =>
        string.Concat(SingleByteEncoding.All.Where(encoding => encoding.MarksLost).Prepend(SingleByteEncoding.Latin1)
        .SelectMany(encoding => Enumerable.Range(first, last - first + 1).Select(encoding.Character)).Distinct());
}
