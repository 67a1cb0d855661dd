using System.Globalization;
using System.Text;

namespace ClipNotebooks.Core.Text.Cleaning;

/// <summary>
/// HTML5's character references (WHATWG HTML, section 13.2.5.72 and 13.5), as Python's <c>html.unescape</c> reads them: including the old
/// names without a semicolon, of which the longest match counts.
/// </summary>
internal static class HtmlEntities
{
    private const int LongestName = 32;

    private static readonly Dictionary<string, string> Names = Read();

    internal static string Unescape(string text)
    {
        if (!text.Contains('&', StringComparison.Ordinal)) return text;
        var result = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length;)
        {
            if (text[at] == '&' && (Number(text, at, out int length, out string? value) || Name(text, at, out length, out value)))
            {
                result.Append(value);
                at += length;
                continue;
            }
            result.Append(text[at++]);
        }
        return result.ToString();
    }

    /// <summary>The text of a name that ends with its semicolon, such as <c>eacute;</c>.</summary>
    internal static bool TryGet(string name, out string? value) => Names.TryGetValue(name, out value);

    private static bool Number(string text, int at, out int length, out string? value)
    {
        (length, value) = (0, null);
        if (at + 2 >= text.Length || text[at + 1] != '#') return false;
        bool hexadecimal = text[at + 2] is 'x' or 'X';
        int start = at + (hexadecimal ? 3 : 2), end = start;
        long number = 0;
        for (; end < text.Length && (hexadecimal ? char.IsAsciiHexDigit(text[end]) : char.IsAsciiDigit(text[end])); end++)
            number = Math.Min(number * (hexadecimal ? 16 : 10) +
                int.Parse(text.AsSpan(end, 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture), 0x110000);
        if (end == start) return false;
        length = end - at + (end < text.Length && text[end] == ';' ? 1 : 0);
        value = Character(number);
        return true;
    }

    internal static string Character(long number) => number switch
    {
        0 or > 0x10FFFF or (>= 0xD800 and <= 0xDFFF) => "\uFFFD",
        13 => "\r",
        >= 0x80 and <= 0x9F => SingleByteEncoding.Windows1252.Character((int)number).ToString(),
        < 9 or 11 or (>= 14 and < 32) or 127 or (>= 0xFDD0 and <= 0xFDEF) => "",
        _ when (number & 0xFFFE) == 0xFFFE => "",
        _ => char.ConvertFromUtf32((int)number),
    };

    private static bool Name(string text, int at, out int length, out string? value)
    {
        int end = at + 1;
        while (end < text.Length && end - at <= LongestName && !IsEndOfName(text[end])) end++;
        string name = text[(at + 1)..end];
        if (end < text.Length && text[end] == ';' && Names.TryGetValue(name + ";", out value))
        {
            length = end + 1 - at;
            return true;
        }
        for (int k = name.Length; k > 1; k--)
        {
            if (!Names.TryGetValue(name[..k], out value)) continue;
            length = k + 1;
            return true;
        }
        (length, value) = (0, null);
        return false;
    }

    private static bool IsEndOfName(char c) => c is '\t' or '\n' or '\f' or ' ' or '<' or '&' or '#' or ';';

    private static Dictionary<string, string> Read()
    {
        var names = new Dictionary<string, string>(2300, StringComparer.Ordinal);
        using var stream = typeof(HtmlEntities).Assembly.GetManifestResourceStream("HtmlEntities.txt")!;
        using var reader = new StreamReader(stream, Encoding.ASCII);
        while (reader.ReadLine() is { } line)
        {
            int tab = line.IndexOf('\t', StringComparison.Ordinal);
            names[line[..tab]] = string.Concat(line[(tab + 1)..].Split(' ')
                .Select(c => char.ConvertFromUtf32(int.Parse(c, NumberStyles.HexNumber, CultureInfo.InvariantCulture))));
        }
        return names;
    }
}
