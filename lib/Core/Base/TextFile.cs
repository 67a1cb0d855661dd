using System.Text;

namespace ClipNotebooks.Core.Base;

/// <summary>
/// Reads text that people wrote: labels, captions, prompts, vocabularies. Accepts UTF-8 with or without a byte order mark, and UTF-16 with
/// one; refuses anything else, since guessing an encoding could silently change words.
/// </summary>
public static class TextFile
{
    private const string Nul = "not UTF-8: there is a NUL, as in UTF-16 without a mark, or in a file that is no text";

    private static readonly Encoding Utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a whole file, without its byte order mark; line ends stay as they are.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">It is in another encoding; the message names file and line.</exception>
    /// <exception cref="IOException">It is not there or cannot be read.</exception>
    public static string Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] bytes = File.ReadAllBytes(path);
        var (encoding, mark) = bytes switch
        {
            [0xEF, 0xBB, 0xBF, ..] => (Utf8, 3),
            [0xFF, 0xFE, ..] => (new UnicodeEncoding(bigEndian: false, byteOrderMark: false, throwOnInvalidBytes: true), 2),
            [0xFE, 0xFF, ..] => (new UnicodeEncoding(bigEndian: true, byteOrderMark: false, throwOnInvalidBytes: true), 2),
            _ => (Utf8, 0),
        };
        string text;
        try
        {
            text = encoding.GetString(bytes, mark, bytes.Length - mark);
        }
        catch (DecoderFallbackException exception)
        {
            int sound = Math.Clamp(exception.Index, 0, bytes.Length - mark);
            string before = Encoding.GetEncoding(encoding.CodePage).GetString(bytes, mark, sound);
            // If decoding as UTF-8 fails after NULs, the file was UTF-16.
            if (before.Contains('\0', StringComparison.Ordinal)) throw Refused(before, Nul);
            string found = string.Join(' ', (exception.BytesUnknown ?? []).Select(value => $"{value:X2}"));
            throw Refused(before, encoding == Utf8
                ? $"not UTF-8: the bytes {found} are no character here"
                : $"not the UTF-16 that its first bytes say it is: the bytes {found} are no character");
        }
        return text.IndexOf('\0', StringComparison.Ordinal) is >= 0 and var at ? throw Refused(text[..at], Nul) : text;

        InvalidDataException Refused(string before, string what) =>
            new($"{path}, line {Lines(before).Count()}: this is {what}. Save the file as UTF-8.");
    }

    /// <summary>The lines of a file. CR, LF or CRLF ends a line; text after the last line end is a line too, if it is not empty.</summary>
    /// <inheritdoc cref="Read"/>
    public static IReadOnlyList<string> ReadLines(string path)
    {
        var lines = Lines(Read(path)).ToList();
        if (lines[^1].Length == 0) lines.RemoveAt(lines.Count - 1);
        return lines;
    }

    private static IEnumerable<string> Lines(string text)
    {
        int start = 0;
        for (int end; (end = text.AsSpan(start).IndexOfAny('\r', '\n')) >= 0;)
        {
            end += start;
            yield return text[start..end];
            start = end + (text.AsSpan(end).StartsWith("\r\n") ? 2 : 1);
        }
        yield return text[start..];
    }
}
