using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace ClipNotebooks.Core.Images;

/// <summary>
/// The bits of a JPEG's scan, without the zero after each 0xFF (ITU-T T.81, section F.2.2). Past the end of the data, or a marker, bits
/// read as zero; <see cref="RequireNoOverrun"/> detects that.
/// </summary>
internal unsafe struct JpegBits(byte* first, byte* end)
{
    private readonly byte* _end = end;
    private byte* _at = first;
    private ulong _bits;
    private int _count;

    /// <summary>The next symbol of a Huffman code.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int Symbol(JpegHuffmanTable table)
    {
        if (_count < 32) Refill();
        int entry = table.Short[(int)(_bits >> (64 - JpegHuffmanTable.ShortBits))];
        if (entry == 0) entry = table.FindLong((int)(_bits >> 48));
        Drop(entry >> 8);
        return entry & 255;
    }

    /// <summary>A number of <paramref name="size"/> bits, up to 16, negative if the first is 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int Signed(int size)
    {
        if (size == 0) return 0;
        if (size > 16) throw new EndOfStreamException("A number of more bits than there may be.");
        if (_count < 16) Refill();
        int value = (int)(_bits >> (64 - size));
        Drop(size);
        return JpegHuffmanTable.Signed(value, size);
    }

    /// <summary>The next bits, up to 16, as an unsigned number.</summary>
    internal int Take(int size)
    {
        if (size == 0) return 0;
        if (_count < 16) Refill();
        int value = (int)(_bits >> (64 - size));
        Drop(size);
        return value;
    }

    /// <summary>The next byte to load: before the marker that ends the data, or at it.</summary>
    internal readonly byte* Position => _at;

    /// <summary>
    /// The next coefficient after the first one, and the number of zeros before it. A 0 after 15 zeros stands for sixteen zeros; any other
    /// 0 ends the block.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int Coefficient(JpegHuffmanTable table, out int zeros)
    {
        if (_count < 32) Refill();
        int whole = table.Whole[(int)(_bits >> (64 - JpegHuffmanTable.ShortBits))];
        if (whole != 0)
        {
            Drop(whole & 15);
            zeros = whole >> 4 & 15;
            return whole >> 8;
        }
        int symbol = Symbol(table);
        zeros = symbol >> 4;
        return Signed(symbol & 15);
    }

    /// <summary>Drops the rest of the byte and passes the restart marker.</summary>
    internal void Restart()
    {
        RequireNoOverrun();
        if (_count >= 8 || _at + 2 > _end || _at[0] != 0xff || (_at[1] & 0xf8) != 0xd0) throw new EndOfStreamException(
            "A restart marker is not where it should be.");
        (_bits, _count) = (0, 0);
        _at += 2;
    }

    /// <exception cref="EndOfStreamException">More bits were taken than there are.</exception>
    internal readonly void RequireNoOverrun()
    {
        if (_count < 0) throw new EndOfStreamException("The data ends early.");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Drop(int bits)
    {
        _bits <<= bits;
        _count -= bits;
    }

    /// <summary>
    /// Fills the buffer to at least 57 bits. Eight bytes without a 0xFF are loaded at once; some bits of a byte that is not counted yet may
    /// come along, and are the same when that byte is loaded.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Refill()
    {
        if (_count >= 0 && _end - _at >= 8)
        {
            ulong eight = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(_at));
            if ((~eight - 0x0101010101010101 & eight & 0x8080808080808080) == 0)
            {
                int bytes = (64 - _count) >> 3;
                _bits |= eight >> _count;
                _at += bytes;
                _count += 8 * bytes;
                return;
            }
        }
        this = Slowly(this);
    }

    /// <summary>
    /// Fills byte by byte, without the zeros after 0xFF, up to a marker or the end. Takes the struct by value, so that in other methods its
    /// fields can stay in registers.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static JpegBits Slowly(JpegBits bits)
    {
        bits.RequireNoOverrun();
        for (; bits._count <= 56 && bits._at < bits._end
            && (bits._at[0] != 0xff || bits._at + 1 < bits._end && bits._at[1] == 0); bits._count += 8)
        {
            // Bits that an earlier load left here are the same as these.
            bits._bits |= (ulong)bits._at[0] << (56 - bits._count);
            bits._at += bits._at[0] == 0xff ? 2 : 1;
        }
        return bits;
    }
}
