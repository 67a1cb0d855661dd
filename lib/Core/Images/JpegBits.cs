using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace ClipNotebooks.Core.Images;

/// <summary>
/// The bits of a JPEG's scan, without the zero after each 0xFF (ITU-T T.81, section F.2.2). Past its end, or a marker, bits are zero:
/// <see cref="RequireNoOverrun"/> finds out.
/// </summary>
internal unsafe struct JpegBits(byte* first, byte* end)
{
    private readonly byte* _end = end;
    private byte* _at = first;
    private ulong _bits;
    private int _count;

    /// <summary>The next symbol of a code.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int Symbol(JpegHuffmanTable table)
    {
        if (_count < 32) Refill();
        int entry = table.Short[(int)(_bits >> (64 - JpegHuffmanTable.ShortBits))];
        if (entry == 0) entry = table.FindLong((int)(_bits >> 48));
        Drop(entry >> 8);
        return entry & 255;
    }

    /// <summary>A number of <paramref name="size"/> bits, up to 16, negative where the first is 0.</summary>
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

    /// <summary>The next bits, up to 16, as they are.</summary>
    internal int Take(int size)
    {
        if (size == 0) return 0;
        if (_count < 16) Refill();
        int value = (int)(_bits >> (64 - size));
        Drop(size);
        return value;
    }

    /// <summary>Where reading is: before the marker that the data ended at, or at it.</summary>
    internal readonly byte* Position => _at;

    /// <summary>
    /// The next coefficient but the first: how many zeros stand before it, and itself; 0 after 15 zeros for sixteen, 0 otherwise for the
    /// end.
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
    /// Fills up to 57 bits and more. Eight bytes without a 0xFF go at once; bits of a ninth part byte that come along are the same when
    /// they come again.
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
    /// Byte by byte, without the zeros after 0xFF, up to a marker or the end. By value, so that the fields can stay in registers where the
    /// rest is used.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static JpegBits Slowly(JpegBits bits)
    {
        bits.RequireNoOverrun();
        for (; bits._count <= 56 && bits._at < bits._end
            && (bits._at[0] != 0xff || bits._at + 1 < bits._end && bits._at[1] == 0); bits._count += 8)
        {
            // What a ninth part byte left below is the same as this.
            bits._bits |= (ulong)bits._at[0] << (56 - bits._count);
            bits._at += bits._at[0] == 0xff ? 2 : 1;
        }
        return bits;
    }
}
