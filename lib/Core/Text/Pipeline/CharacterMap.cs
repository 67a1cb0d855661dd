using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>
/// SentencePiece's compiled table of replacements (<c>precompiled_charsmap</c>): a double array over UTF-8 bytes (darts-clone's form), and
/// the replacements, each ended by a zero. It is used in two ways: SentencePiece takes the longest match at a place; Hugging Face's
/// tokenizers take the shortest match at the start of a short grapheme, and replace the whole grapheme.
/// </summary>
internal sealed class CharacterMap
{
    private const int LongestGrapheme = 5;

    private readonly uint[] _units;
    private readonly byte[] _replacements;

    /// <param name="bytes">In order: the length of the array in bytes, the array, the replacements.</param>
    /// <exception cref="FormatException">The length does not fit the table.</exception>
    internal CharacterMap(ReadOnlySpan<byte> bytes)
    {
        uint length = bytes.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : uint.MaxValue;
        if (length > bytes.Length - 4 || length % 4 != 0 || length == 0)
            throw new FormatException("the table of replacements is cut short.");
        _units = new uint[length / 4];
        for (int i = 0; i < _units.Length; i++) _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 + 4 * i)..]);
        _replacements = bytes[(4 + (int)length)..].ToArray();
    }

    /// <summary>Replaces as Hugging Face's tokenizers do.</summary>
    internal string Map(string text)
    {
        var result = new StringBuilder(text.Length);
        Span<byte> utf8 = stackalloc byte[4];
        for (int at = 0, length; at < text.Length; at += length)
        {
            length = StringInfo.GetNextTextElementLength(text, at);
            var grapheme = text.AsSpan(at, length);
            if (length <= LongestGrapheme && Encoding.UTF8.GetByteCount(grapheme) <= LongestGrapheme
                && Shortest(Encoding.UTF8.GetBytes(text, at, length)) is { } whole)
            {
                result.Append(whole);
                continue;
            }
            foreach (var rune in grapheme.EnumerateRunes())
            {
                if (Shortest(utf8[..rune.EncodeToUtf8(utf8)]) is { } one) result.Append(one);
                else result.Append(rune.ToString());
            }
        }
        return result.ToString();
    }

    /// <summary>The replacement of the longest match at the start, and how many bytes it replaces; null if there is no match.</summary>
    internal (byte[] Replacement, int Length)? Longest(ReadOnlySpan<byte> text)
    {
        int place = -1, length = 0;
        foreach (var (value, end) in Matches(text)) (place, length) = (value, end);
        return place < 0 ? null : (Replacement(place).ToArray(), length);
    }

    private string? Shortest(ReadOnlySpan<byte> text)
    {
        foreach (var (value, _) in Matches(text)) return Encoding.UTF8.GetString(Replacement(value));
        return null;
    }

    private ReadOnlySpan<byte> Replacement(int place)
    {
        if (place >= _replacements.Length) return default;
        var rest = _replacements.AsSpan(place);
        return rest.IndexOf((byte)0) is var end and >= 0 ? rest[..end] : rest;
    }

    /// <summary>
    /// The values of all matches at the start, with their lengths. Walks the double array: a unit holds a label in its lowest byte, whether
    /// a value follows, and the offset of its children.
    /// </summary>
    private List<(int Value, int Length)> Matches(ReadOnlySpan<byte> text)
    {
        var matches = new List<(int, int)>(0);
        uint node = Offset(_units[0]);
        for (int i = 0; i < text.Length && text[i] != 0; i++)
        {
            node ^= text[i];
            if (node >= _units.Length || (_units[node] & 0x800000FF) != text[i]) break;
            uint unit = _units[node];
            node ^= Offset(unit);
            if ((unit >> 8 & 1) == 1 && node < _units.Length) matches.Add(((int)(_units[node] & 0x7FFFFFFF), i + 1));
        }
        return matches;
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & (1u << 9)) >> 6);
}
