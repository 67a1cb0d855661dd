namespace ClipNotebooks.Clip.Images;

/// <summary>The bits of a JPEG's scan, without the zero after each 0xFF (ITU-T T.81, section F.2.2).</summary>
internal ref struct JpegBits(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private int _at, _byte, _left;

    /// <summary>The next symbol of a code.</summary>
    internal int Symbol(JpegHuffmanTable table)
    {
        for (int length = 1, code = 0; length <= 16; length++)
        {
            code = code << 1 | Bit();
            if (table.TryFind(code, length, out byte symbol)) return symbol;
        }
        throw new EndOfStreamException("A code that is not in its table.");
    }

    /// <summary>A number of <paramref name="size"/> bits, negative where the first is 0.</summary>
    internal int Signed(int size)
    {
        int value = 0;
        for (int i = 0; i < size; i++) value = value << 1 | Bit();
        return size > 0 && value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
    }

    /// <summary>Drops the rest of the byte and passes the restart marker.</summary>
    internal void Restart()
    {
        _left = 0;
        if (_at + 2 > _data.Length || _data[_at] != 0xff || (_data[_at + 1] & 0xf8) != 0xd0) throw new EndOfStreamException("A restart marker is missing.");
        _at += 2;
    }

    private int Bit()
    {
        if (_left == 0)
        {
            if (_at >= _data.Length) throw new EndOfStreamException();
            (_byte, _left) = (_data[_at++], 8);
            if (_byte == 0xff && (_at >= _data.Length || _data[_at++] != 0)) throw new EndOfStreamException("A marker in the middle of the data.");
        }
        return _byte >> --_left & 1;
    }
}
