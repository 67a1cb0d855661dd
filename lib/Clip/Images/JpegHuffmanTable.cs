namespace ClipNotebooks.Clip.Images;

/// <summary>A JPEG's code: of each length (1–16 bits) the first code, and where its symbols begin (ITU-T T.81, annexes C and F.2.2.3).</summary>
internal sealed class JpegHuffmanTable
{
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
    }

    /// <summary>The symbol of a code, if a code of that length and value exists.</summary>
    internal bool TryFind(int code, int length, out byte symbol)
    {
        bool found = code < _end[length] && code + _offset[length] < _symbols.Length;
        symbol = found ? _symbols[code + _offset[length]] : (byte)0;
        return found;
    }
}
