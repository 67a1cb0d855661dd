using System.Text;

namespace ClipNotebooks.Core.Text.Cleaning;

/// <summary>
/// An encoding of one byte per character, in both directions. A byte that a code page leaves undefined stands for the character of the same
/// code, as in browsers; in the code pages that do, byte 1A stands for U+FFFD, the mark of a lost byte.
/// </summary>
internal sealed class SingleByteEncoding
{
    /// <summary>The encodings in which UTF-8 is most often read by mistake, in the order in which they are tried.</summary>
    internal static IReadOnlyList<SingleByteEncoding> All { get; } =
        [new(28591), new(1252), new(1251), new(1250), new(1253), new(1254), new(1257), new(28592), new(MacRoman), new(437)];

    private const int MacRoman = 10000;
    private const char Lost = '\uFFFD';

    private readonly int _codePage;
    private readonly char[] _characters = new char[256];
    private readonly Dictionary<char, byte> _bytes = [];

    private SingleByteEncoding(int codePage)
    {
        _codePage = codePage;
        var encoding = codePage == 28591 ? Encoding.Latin1 : CodePagesEncodingProvider.Instance.GetEncoding(codePage)!;
        byte[] all = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];
        encoding.GetChars(all, _characters);
        // Undefined bytes decode to private-use characters; Mac Roman's omega is the Greek letter, not the unit of resistance.
        for (int i = 0; i < 256; i++)
            if (MarksLost && _characters[i] is >= '\uF8F9' and <= '\uF8FD') _characters[i] = (char)i;
        if (codePage == MacRoman) _characters[0xBD] = '\u03A9';
        if (MarksLost) _characters[0x1A] = Lost;
        for (int i = 0; i < 256; i++) _bytes[_characters[i]] = (byte)i;
    }

    /// <summary>Whether it is a Windows code page, in which some bytes are undefined.</summary>
    internal bool MarksLost => _codePage is > 1000 and < 2000;

    /// <summary>
    /// Whether ordinary spaces may be turned back into the bytes that they were; in Mac Roman that would take an en dash and a space for
    /// one letter.
    /// </summary>
    internal bool RestoresSpaces => _codePage != MacRoman;

    internal static SingleByteEncoding Latin1 => All[0];

    internal static SingleByteEncoding Windows1252 => All[1];

    internal char Character(int value) => _characters[value];

    /// <returns>The bytes as characters of the same code; null if a character has no byte.</returns>
    internal string? TryEncode(string text)
    {
        var bytes = new char[text.Length];
        for (int i = 0; i < text.Length; i++)
        {
            if (!_bytes.TryGetValue(text[i], out byte value)) return null;
            bytes[i] = (char)value;
        }
        return new string(bytes);
    }
}
