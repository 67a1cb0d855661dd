using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using ClipNotebooks.Core.Text.Cleaning;

namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>How a tokenizer normalises a text before splitting it: the <c>normalizer</c> of tokenizer.json.</summary>
internal static class TextNormalizers
{
    /// <summary>How long a pattern from the file may take for one match: a malicious one could take forever.</summary>
    internal static readonly TimeSpan PatternLimit = TimeSpan.FromSeconds(10);

    /// <exception cref="NotSupportedException">A normaliser is not supported; the message names its key.</exception>
    internal static Func<string, string> Read(JsonSection section)
    {
        switch (section.Type)
        {
            case "Sequence":
                section.Only("type", "normalizers");
                Func<string, string>[] steps = [.. section["normalizers"].Items().Select(Read)];
                return text => steps.Aggregate(text, (now, step) => step(now));
            case "Precompiled":
                section.Only("type", "precompiled_charsmap");
                return new CharacterMap(Convert.FromBase64String(section.Text("precompiled_charsmap"))).Map;
            case "NFC": return text => CanonicalForm.Normalize(text, compose: true, compatible: false);
            case "NFD": return text => CanonicalForm.Normalize(text, compose: false, compatible: false);
            case "NFKC": return text => CanonicalForm.Normalize(text, compose: true, compatible: true);
            case "NFKD": return text => CanonicalForm.Normalize(text, compose: false, compatible: true);
            case "Lowercase": return LowerCase.MapEach;
            case "StripAccents": return text => Without(text, rune => IsMark(rune, all: true));
            case "Strip":
                section.Only("type", "strip_left", "strip_right");
                bool left = section.Flag("strip_left", false), right = section.Flag("strip_right", false);
                return text => (left, right) switch
                {
                    (true, true) => text.Trim(),
                    (true, _) => text.TrimStart(),
                    (_, true) => text.TrimEnd(),
                    _ => text,
                };
            case "Prepend":
                section.Only("type", "prepend");
                string before = section.Text("prepend");
                return text => text.Length == 0 ? text : before + text;
            case "Replace":
                section.Only("type", "pattern", "content");
                string content = section.Text("content");
                var (literal, pattern) = Pattern(section["pattern"]);
                return literal is not null
                    ? text => literal.Length == 0 ? text : text.Replace(literal, content, StringComparison.Ordinal)
                    : text => string.Concat(Pieces(text, pattern!).Select(piece => piece.IsMatch ? content : text[piece.Start..piece.End]));
            case "BertNormalizer": return Bert(section);
            default:
                throw section["type"].Unsupported(
                    "Sequence, Precompiled, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, Replace and BertNormalizer");
        }
    }

    /// <summary>Reads a pattern, which is a literal text or a regular expression.</summary>
    internal static (string? Literal, Regex? Pattern) Pattern(JsonSection section)
    {
        section.Only("String", "Regex");
        if (section.TextOrNone("String") is { } literal) return (literal, null);
        string pattern = section.Text("Regex");
        try
        {
            return (null, new Regex(WordCharacters.Rewrite(pattern), RegexOptions.CultureInvariant, PatternLimit));
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            throw new NotSupportedException($"{section.File}: the regular expression \"{pattern}\" at \"{section.Key}\" is not " +
                $"understood: {exception.Message}", exception);
        }
    }

    /// <summary>
    /// Cuts the text into matches and the parts between them. .NET's regular expressions see a character beyond U+FFFF as two that are no
    /// letters, so they are given a stand-in of the same category.
    /// </summary>
    internal static IEnumerable<(int Start, int End, bool IsMatch)> Pieces(string text, Regex pattern)
    {
        bool isPlain = !text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF');
        var places = new List<int>();
        string shown = text;
        if (!isPlain)
        {
            var stand = new StringBuilder(text.Length);
            int place = 0;
            foreach (var rune in text.EnumerateRunes())
            {
                stand.Append(rune.IsBmp ? (char)rune.Value : StandIn(rune));
                places.Add(place);
                place += rune.Utf16SequenceLength;
            }
            places.Add(place);
            shown = stand.ToString();
        }
        int Place(int at) => isPlain ? at : places[at];
        int last = 0;
        for (var match = InTime(pattern, () => pattern.Match(shown)); match.Success; match = InTime(pattern, match.NextMatch))
        {
            if (match.Length == 0) continue;
            if (match.Index > last) yield return (Place(last), Place(match.Index), false);
            yield return (Place(match.Index), Place(last = match.Index + match.Length), true);
        }
        if (last < shown.Length) yield return (Place(last), Place(shown.Length), false);
    }

    private static Match InTime(Regex pattern, Func<Match> find)
    {
        try
        {
            return find();
        }
        catch (RegexMatchTimeoutException exception)
        {
            throw new InvalidDataException($"The tokenizer's pattern \"{pattern}\" takes more than {PatternLimit.TotalSeconds} seconds " +
                $"on a text.", exception);
        }
    }

    private static char StandIn(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.OtherSymbol when WordCharacters.IsEnclosedLetter(rune) => 'Ⓐ',
        UnicodeCategory.UppercaseLetter => 'A',
        UnicodeCategory.LowercaseLetter => 'a',
        UnicodeCategory.ModifierLetter => '\u02B0',
        UnicodeCategory.OtherLetter => '\uA000',
        UnicodeCategory.DecimalDigitNumber => '\u0660',
        UnicodeCategory.LetterNumber => '\u2160',
        UnicodeCategory.OtherNumber => '\u2460',
        UnicodeCategory.NonSpacingMark => '\u0300',
        UnicodeCategory.SpacingCombiningMark => '\u0903',
        UnicodeCategory.OtherPunctuation => '\u00A7',
        UnicodeCategory.MathSymbol => '\u2200',
        UnicodeCategory.Format => '\u200B',
        _ => '\u2603',
    };

    /// <summary>
    /// BERT's normaliser: removes control characters, turns white space into spaces, sets Chinese characters apart, removes accents,
    /// lower-cases.
    /// </summary>
    private static Func<string, string> Bert(JsonSection section)
    {
        section.Only("type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase");
        bool clean = section.Flag("clean_text", true), chinese = section.Flag("handle_chinese_chars", true),
            lower = section.Flag("lowercase", true);
        return Bert(clean, chinese, section.Flag("strip_accents", lower), lower);
    }

    /// <summary>BERT's normaliser from its options.</summary>
    internal static Func<string, string> Bert(bool clean, bool chinese, bool strip, bool lower) => text =>
    {
        if (clean) text = Mapped(Without(text, IsControl), rune => Rune.IsWhiteSpace(rune) ? " " : null);
        if (chinese) text = Mapped(text, rune => IsChinese(rune.Value) ? $" {rune} " : null);
        if (strip) text = Without(CanonicalForm.Normalize(text, compose: false, compatible: false), rune => IsMark(rune, all: false));
        return lower ? LowerCase.MapEach(text) : text;
    };

    private static bool IsControl(Rune rune) =>
        rune.Value is 0 or 0xFFFD || rune.Value is not ('\t' or '\n' or '\r') && Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse;

    private static bool IsChinese(int rune) => rune is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF)
        or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF)
            or (>= 0x2F800 and <= 0x2FA1F);

    private static bool IsMark(Rune rune, bool all) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark
        || all && Rune.GetUnicodeCategory(rune) is UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    private static string Without(string text, Func<Rune, bool> isDropped) => Mapped(text, rune => isDropped(rune) ? "" : null);

    private static string Mapped(string text, Func<Rune, string?> map)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) result.Append(map(rune) ?? rune.ToString());
        return result.ToString();
    }
}
