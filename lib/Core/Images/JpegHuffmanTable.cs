namespace ClipNotebooks.Core.Images;

/// <summary>
/// A JPEG's Huffman code: for each length (1–16 bits), where its codes end and its symbols begin (ITU-T T.81, annexes C and F.2.2.3). Codes
/// of up to ten bits, nearly all that occur, are found by one look-up.
/// </summary>
internal sealed class JpegHuffmanTable
{
    internal const int ShortBits = 10;

    private readonly int[] _end = new int[17], _offset = new int[17];
    private readonly byte[] _symbols;

    internal JpegHuffmanTable(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        _symbols = symbols.ToArray();
        for (int length = 1, code = 0, first = 0; length <= 16; length++, code <<= 1)
        {
            _offset[length] = first - code;
            code += counts[length - 1];
            first += counts[length - 1];
            _end[length] = code;
        }
        for (int bits = 0; bits < 1 << ShortBits; bits++)
        {
            int entry = Find(bits << (16 - ShortBits), ShortBits);
            Short[bits] = (ushort)entry;
            int length = entry >> 8, size = entry & 15, value = size == 0 ? 0 : bits >> (ShortBits - length - size & 31) & (1 << size) - 1;
            if (entry != 0 && size > 0 && length + size <= ShortBits) Whole[bits] =
                Signed(value, size) << 8 | (entry >> 4 & 15) << 4 | length + size;
        }
    }

    /// <summary>Indexed by the next ten bits: the code's length times 256 plus its symbol; 0 where the code is longer.</summary>
    internal ushort[] Short { get; } = new ushort[1 << ShortBits];

    /// <summary>
    /// Indexed by the next ten bits. If a code and the number after it fit in them: 256 times the number, plus 16 times the upper half of
    /// the symbol, plus the count of bits used; otherwise 0.
    /// </summary>
    internal int[] Whole { get; } = new int[1 << ShortBits];

    /// <summary>The code that the next sixteen bits begin with: its length times 256 plus its symbol.</summary>
    /// <exception cref="EndOfStreamException">No code matches.</exception>
    internal int FindLong(int sixteen) => Find(sixteen, 16) is var entry and not 0 ? entry
        : throw new EndOfStreamException("A code that is not in its table.");

    /// <summary>
    /// Decodes a JPEG's number of <paramref name="size"/> bits: as it is if its first bit is 1, otherwise minus its complement.
    /// </summary>
    internal static int Signed(int value, int size) => value < 1 << (size - 1) ? value - (1 << size) + 1 : value;

    private int Find(int sixteen, int longest)
    {
        for (int length = 1; length <= longest; length++)
        {
            int code = sixteen >> (16 - length);
            if (code < _end[length] && code + _offset[length] < _symbols.Length) return length << 8 | _symbols[code + _offset[length]];
        }
        return 0;
    }
}
