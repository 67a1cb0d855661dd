using System.Globalization;
using System.Text;

namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>
/// Tokens that stand for single bytes, <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>: text without a token of its own becomes the tokens of
/// its UTF-8 bytes.
/// </summary>
internal static class ByteTokens
{
    /// <summary>Appends the ids of a text's bytes.</summary>
    /// <returns>Whether there is a token for each byte; if not, nothing is appended.</returns>
    internal static bool TryAppend(ReadOnlySpan<char> text, IReadOnlyDictionary<string, int> ids, List<int> into)
    {
        int start = into.Count;
        foreach (byte one in Encoding.UTF8.GetBytes(text.ToArray()))
        {
            if (ids.TryGetValue($"<0x{one:X2}>", out int id))
            {
                into.Add(id);
                continue;
            }
            into.RemoveRange(start, into.Count - start);
            return false;
        }
        return true;
    }

    /// <summary>The byte that a token stands for; null for any other token.</summary>
    internal static byte? Value(string token) => token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
        && byte.TryParse(token.AsSpan(3, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out byte value) ? value : null;
}
