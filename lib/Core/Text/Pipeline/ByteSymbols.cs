using System.Text;

namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>
/// The 256 printable stand-ins for bytes (GPT-2's <c>bytes_to_unicode</c>): a byte that prints stands for itself, the others follow from
/// U+0100 on.
/// </summary>
internal static class ByteSymbols
{
    private static readonly char[] ToChar = new char[256];
    private static readonly Dictionary<char, byte> ToByte = [];

    static ByteSymbols()
    {
        bool Prints(int b) => b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
        int next = 256;
        for (int b = 0; b < 256; b++)
        {
            ToChar[b] = (char)(Prints(b) ? b : next++);
            ToByte[ToChar[b]] = (byte)b;
        }
    }

    /// <summary>The stand-ins in vocabulary order: the printing bytes first, then the others.</summary>
    internal static IEnumerable<char> InVocabularyOrder => ToChar.Order().Where(c => c < 256).Concat(ToChar.Order().Where(c => c >= 256));

    /// <summary>A byte's stand-in.</summary>
    internal static char Of(byte value) => ToChar[value];

    /// <summary>A text's UTF-8 bytes, each as its stand-in.</summary>
    internal static string Encode(ReadOnlySpan<char> text)
    {
        Span<byte> bytes = text.Length <= 128 ? stackalloc byte[3 * text.Length] : new byte[3 * text.Length];
        int count = Encoding.UTF8.GetBytes(text, bytes);
        return string.Create(count, bytes[..count], (target, source) =>
        {
            for (int i = 0; i < target.Length; i++) target[i] = ToChar[source[i]];
        });
    }

    /// <summary>Turns stand-ins back into text; bytes that are not UTF-8 become U+FFFD.</summary>
    internal static string Decode(IEnumerable<char> symbols) =>
        Encoding.UTF8.GetString([.. symbols.Select(c => ToByte.TryGetValue(c, out byte b) ? b : (byte)'?')]);

    internal static bool Contains(char symbol) => ToByte.ContainsKey(symbol);
}
