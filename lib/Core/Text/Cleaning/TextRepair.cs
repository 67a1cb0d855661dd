using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Core.Text.Cleaning;

/// <summary>
/// Does all that ftfy 6.3.1's <c>fix_text</c> does with its default settings: character references, wrong decodings, C1 controls,
/// ligatures, widths, quotes, line breaks, lone surrogates, terminal escapes, control characters, normalisation form C. It works line by
/// line, and repeats until a line no longer changes. If a line still changes after <see cref="StepByStep"/> rounds, as only one with nested
/// references does (<c>&amp;amp;amp;amp;…</c>), all its references are resolved at once; ftfy resolves one level per round, in time that
/// grows with the square of the line's length.
/// </summary>
internal static partial class TextRepair
{
    private const int StepByStep = 8, MostRounds = 16, LongestReference = 27;

    private static readonly SearchValues<char> Dropped = SearchValues.Create(
        "\0\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u000B\u000E\u000F"
        + "\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001A\u001B\u001C\u001D\u001E\u001F\u007F"
        + "\u206A\u206B\u206C\u206D\u206E\u206F\uFEFF\uFFF9\uFFFA\uFFFB\uFFFC");

    /// <summary>Latin ligatures and digraphs, and the ideographic space.</summary>
    private const string Ligatures = "ĲĳŉǄǅǆǇǈǉǊǋǌǱǲǳﬀﬁﬂﬃﬄﬅﬆ\u3000";

    /// <summary>
    /// What stands for Latin ligatures and digraphs, for full-width Latin, half-width Katakana and Hangul, and for the ideographic space.
    /// </summary>
    private static readonly Lazy<Dictionary<char, string>> Usual = new(() =>
    {
        var forms = Enumerable.Range(0xFF01, 0xFFEF - 0xFF01).Select(code => (char)code);
        var usual = Ligatures.Concat(forms).ToDictionary(c => c,
            c => CanonicalForm.Normalize($"{c}", compose: true, compatible: true));
        usual['ﬅ'] = "ſt"; // which Unicode takes for st, as it does ﬆ
        return usual;
    });

    /// <summary>Repairs a text. Plain ASCII without references and control characters comes back as it is.</summary>
    internal static string Repair(string text)
    {
        if (Ascii.IsValid(text) && !text.AsSpan().ContainsAny("&\r\u007F") && !text.AsSpan().ContainsAnyInRange('\0', '\u0008')
            && !text.AsSpan().ContainsAnyInRange('\u000B', '\u001F')) return text;
        var result = new StringBuilder(text.Length);
        bool references = true;
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = text.IndexOf('\n', start) is var at and >= 0 ? at + 1 : text.Length;
            string line = text[start..end];
            // From the first line with a tag on, references are left to the HTML reader.
            references &= !line.Contains('<', StringComparison.Ordinal);
            result.Append(RepairLine(line, references));
        }
        return result.ToString();
    }

    private static string RepairLine(string line, bool references)
    {
        string before = "\uFFFF";
        for (int round = 0; round < MostRounds && before != line; round++)
        {
            before = line;
            if (references && line.Contains('&', StringComparison.Ordinal))
                line = round < StepByStep ? Reference().Replace(line, match => Unescape(match.Value)) : UnescapeAll(line);
            line = Mojibake.RepairControls(Mojibake.Repair(line));
            if (!Ascii.IsValid(line)) line = MapCharacters(line);
            line = line.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
            if (line.Contains('\u001B', StringComparison.Ordinal)) line = TerminalEscape().Replace(line, "");
            if (line.AsSpan().ContainsAny(Dropped)) line = string.Concat(line.Where(c => !Dropped.Contains(c)));
            line = CanonicalForm.Compose(line);
        }
        return line;
    }

    /// <summary>Resolves references, and those that arise from their characters and the text around them, until none is left.</summary>
    private static string UnescapeAll(string line)
    {
        var result = new StringBuilder(line.Length);
        // Characters to be read before the rest of the line: those of the reference that was resolved last.
        var waiting = new Stack<char>();
        for (int at = 0; at < line.Length || waiting.Count > 0;)
        {
            result.Append(waiting.TryPop(out char c) ? c : line[at++]);
            if (result[^1] != ';' || ReferenceAtEnd(result) is not { } reference) continue;
            string value = Unescape(reference);
            if (value == reference) continue;
            result.Length -= reference.Length;
            foreach (char mapped in MapCharacters(value).Reverse()) waiting.Push(mapped);
        }
        return result.ToString();
    }

    private static string? ReferenceAtEnd(StringBuilder text)
    {
        int start = text.Length - 2;
        int least = Math.Max(0, text.Length - LongestReference);
        while (start > least && (char.IsAsciiLetterOrDigit(text[start]) || text[start] == '#')) start--;
        if (start < 0 || text[start] != '&') return null;
        string found = text.ToString(start, text.Length - start);
        return Reference().IsMatch(found) ? found : null;
    }

    /// <summary>Resolves a reference that ends with a semicolon; names of letters and signs may also be in capitals.</summary>
    private static string Unescape(string reference)
    {
        string name = reference[1..];
        if (HtmlEntities.TryGet(name, out string? value)) return value!;
        if (name[0] == '#') return HtmlEntities.Unescape(reference) is var character && character.Contains(';', StringComparison.Ordinal)
            ? reference : character;
        return name.ToLowerInvariant() is var lower && !name.Any(char.IsAsciiLetterLower) && HtmlEntities.TryGet(lower, out value)
            && HtmlEntities.Unescape(reference) == reference
            ? Upper(value!) : reference;
    }

    /// <summary>Upper case, including letters whose capital is two or three letters.</summary>
    private static string Upper(string text) => text switch
    {
        "ß" => "SS",
        "ŉ" => "ʼN",
        "ﬀ" or "ﬁ" or "ﬂ" or "ﬃ" or "ﬄ" => Usual.Value[text[0]].ToUpperInvariant(),
        _ => text.ToUpperInvariant(),
    };

    /// <summary>Whether the table has it: for any other character the table need not be read.</summary>
    private static bool IsUnusual(char c) => c is >= '\uFF01' and <= '\uFFEE' || Ligatures.Contains(c, StringComparison.Ordinal);

    private static string MapCharacters(string line)
    {
        var result = new StringBuilder(line.Length);
        for (int i = 0; i < line.Length; i++)
        {
            char c = line[i];
            if (char.IsHighSurrogate(c) && i + 1 < line.Length && char.IsLowSurrogate(line[i + 1])) result.Append(c).Append(line[++i]);
            else if (IsUnusual(c) && Usual.Value.TryGetValue(c, out string? usual)) result.Append(usual);
            else result.Append(Straight(c));
        }
        return result.ToString();
    }

    private static char Straight(char c) => c switch
    {
        '\u02BC' or (>= '\u2018' and <= '\u201B') => '\'',
        >= '\u201C' and <= '\u201F' => '"',
        '\u2028' or '\u2029' or '\u0085' => '\n',
        >= '\uD800' and <= '\uDFFF' => '\uFFFD',
        _ => c,
    };

    [GeneratedRegex("&#?[0-9A-Za-z]{1,24};", RegexOptions.CultureInvariant)]
    private static partial Regex Reference();

    [GeneratedRegex(@"\x1B\[[\p{Nd};]*[a-zA-Z]", RegexOptions.CultureInvariant)]
    private static partial Regex TerminalEscape();
}
