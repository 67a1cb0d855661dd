using System.Text;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>How a tokenizer cuts a text into pieces that no token crosses: the <c>pre_tokenizer</c> of tokenizer.json.</summary>
internal static partial class TextSplitters
{
    /// <summary>Splits a piece into smaller ones; <paramref name="isFirst"/> says whether the piece begins the text.</summary>
    internal delegate IEnumerable<string> Splitter(string piece, bool isFirst);

    private delegate IEnumerable<(int Start, int End, bool IsMatch)> Finder(string piece);

    private const string Isolated = "Isolated", Removed = "Removed", Contiguous = "Contiguous", WithPrevious = "MergedWithPrevious",
        WithNext = "MergedWithNext";

    /// <exception cref="NotSupportedException">A splitter is not supported; the message names its key.</exception>
    internal static Splitter Read(JsonSection section)
    {
        switch (section.Type)
        {
            case "Sequence":
                section.Only("type", "pretokenizers");
                return Sequence([.. section["pretokenizers"].Items().Select(Read)]);
            case "WhitespaceSplit": return By(Runes(Rune.IsWhiteSpace), Removed);
            case "Whitespace":
                var words = Words();
                return By(piece => TextNormalizers.Pieces(piece, words).Select(part => part with { IsMatch = !part.IsMatch }), Removed);
            case "BertPreTokenizer": return Bert();
            case "Punctuation": return By(Runes(IsPunctuation), Behaviour(section, Isolated));
            case "Digits":
                section.Only("type", "individual_digits");
                return By(Runes(Rune.IsNumber), section.Flag("individual_digits", false) ? Isolated : Contiguous);
            case "Split":
                section.Only("type", "pattern", "behavior", "invert");
                var (literal, pattern) = TextNormalizers.Pattern(section["pattern"]);
                bool invert = section.Flag("invert", false);
                Finder find = literal is null ? piece => TextNormalizers.Pieces(piece, pattern!) : piece => Literal(piece, literal);
                return By(piece => find(piece).Select(part => part with { IsMatch = part.IsMatch != invert }),
                    Behaviour(section, Isolated));
            case "Metaspace": return Metaspace(section);
            case "ByteLevel":
                section.Only("type", "add_prefix_space", "trim_offsets", "use_regex");
                return ByteLevel(section.Flag("add_prefix_space", true), section.Flag("use_regex", true));
            default:
                throw section["type"].Unsupported(
                    "Sequence, WhitespaceSplit, Whitespace, BertPreTokenizer, Punctuation, Digits, Split, Metaspace and ByteLevel");
        }
    }

    /// <summary>BERT's splitter: at white space, and around every punctuation mark.</summary>
    internal static Splitter Bert() => Sequence([By(Runes(Rune.IsWhiteSpace), Removed), By(Runes(IsPunctuation), Isolated)]);

    private static Splitter Sequence(Splitter[] steps) => (piece, isFirst) =>
        steps.Aggregate<Splitter, IEnumerable<string>>([piece], (pieces, step) =>
        pieces.SelectMany((one, i) => step(one, isFirst && i == 0)));

    private static string Behaviour(JsonSection section, string otherwise)
    {
        string behaviour = section.TextOrNone("behavior") ?? otherwise;
        return behaviour is Isolated or Removed or Contiguous or WithPrevious or WithNext ? behaviour
            : throw section["behavior"].Unsupported();
    }

    /// <summary>Puts SentencePiece's sign for a space before every word.</summary>
    private static Splitter Metaspace(JsonSection section)
    {
        section.Only("type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep");
        string sign = section.TextOrNone("replacement") ?? "▁";
        string scheme = section.Flag("add_prefix_space", true) ? section.TextOrNone("prepend_scheme") ?? "always" : "never";
        if (scheme is not ("always" or "never" or "first"))
            throw section["prepend_scheme"].Unsupported("\"always\", \"first\" and \"never\"");
        var split = section.Flag("split", true) ? By(piece => Literal(piece, sign), WithNext) : (piece, _) => [piece];
        return (piece, isFirst) =>
        {
            piece = piece.Replace(" ", sign, StringComparison.Ordinal);
            bool prepends = piece.Length > 0 && !piece.StartsWith(sign, StringComparison.Ordinal)
                && (scheme == "always" || scheme == "first" && isFirst);
            return split(prepends ? sign + piece : piece, isFirst);
        };
    }

    /// <summary>GPT-2's splitter: words with the space before them, each byte as a printable character.</summary>
    private static Splitter ByteLevel(bool prefixSpace, bool usesPattern)
    {
        var pattern = ByteLevelWords();
        Splitter split = usesPattern ? By(piece => TextNormalizers.Pieces(piece, pattern), Isolated) : (piece, _) => [piece];
        return (piece, isFirst) =>
            split(prefixSpace && piece.Length > 0 && piece[0] != ' ' ? " " + piece : piece, isFirst)
                .Select(part => ByteSymbols.Encode(part));
    }

    /// <summary>Cuts at what is found; <paramref name="behaviour"/> says what becomes of the matches.</summary>
    private static Splitter By(Finder find, string behaviour) => (piece, _) =>
    {
        var parts = new List<(int Start, int End)>();
        bool last = false;
        foreach (var (start, end, isMatch) in behaviour == WithNext ? find(piece).Reverse() : find(piece))
        {
            bool joins = parts.Count > 0 && behaviour switch
            {
                Contiguous => isMatch == last,
                WithPrevious or WithNext => isMatch && !last,
                _ => false,
            };
            if (joins) parts[^1] = (Math.Min(parts[^1].Start, start), Math.Max(parts[^1].End, end));
            else if (behaviour != Removed || !isMatch) parts.Add((start, end));
            last = isMatch;
        }
        if (behaviour == WithNext) parts.Reverse();
        return parts.Where(part => part.End > part.Start).Select(part => piece[part.Start..part.End]);
    };

    private static Finder Runes(Func<Rune, bool> isMatch) => piece => ByRune(piece, isMatch);

    private static IEnumerable<(int Start, int End, bool IsMatch)> ByRune(string piece, Func<Rune, bool> isMatch)
    {
        int last = 0, at = 0;
        foreach (var rune in piece.EnumerateRunes().ToArray())
        {
            int end = at + rune.Utf16SequenceLength;
            if (isMatch(rune))
            {
                if (at > last) yield return (last, at, false);
                yield return (at, last = end, true);
            }
            at = end;
        }
        if (last < piece.Length) yield return (last, piece.Length, false);
    }

    private static IEnumerable<(int Start, int End, bool IsMatch)> Literal(string piece, string literal)
    {
        int last = 0;
        for (int at; literal.Length > 0 && (at = piece.IndexOf(literal, last, StringComparison.Ordinal)) >= 0;)
        {
            if (at > last) yield return (last, at, false);
            yield return (at, last = at + literal.Length, true);
        }
        if (last < piece.Length) yield return (last, piece.Length, false);
    }

    private static bool IsPunctuation(Rune rune) =>
        rune.IsAscii ? char.IsPunctuation((char)rune.Value) || char.IsSymbol((char)rune.Value) : Rune.IsPunctuation(rune);

    [GeneratedRegex($@"[{WordCharacters.OfRust}]+|[^{WordCharacters.OfRust}\s]+", RegexOptions.CultureInvariant)]
    private static partial Regex Words();

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex ByteLevelWords();
}
