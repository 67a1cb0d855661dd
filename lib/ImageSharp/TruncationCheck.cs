using System.Buffers.Binary;

namespace ClipNotebooks.ImageSharp;

/// <summary>
/// Recognises a file that is cut short by its structure: ImageSharp 2.1 returns the part that it could read as if it were the whole.
/// </summary>
internal static class TruncationCheck
{
    /// <summary>Whether the end that the format prescribes is there; true for formats for which ImageSharp itself detects this.</summary>
    internal static bool IsWhole(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith<byte>([0xff, 0xd8]))
            return bytes.LastIndexOf<byte>([0xff, 0xd9]) > bytes.LastIndexOf<byte>([0xff, 0xda]);
        if (bytes.StartsWith<byte>([0x89, (byte)'P', (byte)'N', (byte)'G']))
            return bytes.LastIndexOf("IEND"u8) is >= 0 and var end && end + 8 <= bytes.Length;
        if (bytes.StartsWith("GIF8"u8))
            return IsGif(bytes);
        if (bytes.StartsWith("BM"u8))
            return IsBmp(bytes);
        if (bytes.StartsWith("RIFF"u8) && bytes.Length >= 8)
            return BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) <= bytes.Length - 7L;
        return true;
    }

    /// <summary>Whether the blocks follow each other up to the end of the first frame.</summary>
    private static bool IsGif(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 13)
            return false;
        int at = 13 + Palette(bytes[10]);
        while (at < bytes.Length)
        {
            byte kind = bytes[at];
            if (kind == 0x3b)
                return true;
            bool frame = kind == 0x2c;
            if (!frame && kind != 0x21)
                return false;
            if (frame && at + 10 >= bytes.Length)
                return false;
            // Skips an extension's label, or a frame's place, size, palette and code size.
            at += frame ? 10 + Palette(bytes[at + 9]) + 1 : 2;
            while (at < bytes.Length && bytes[at] != 0)
                at += bytes[at] + 1;
            if (at >= bytes.Length)
                return false;
            at++;
            if (frame)
                return true;
        }
        return false;

        static int Palette(byte flags) => (flags & 0x80) == 0 ? 0 : 3 << ((flags & 7) + 1);
    }

    /// <summary>
    /// Whether the pixel data fits into the file: for uncompressed rows by the header's dimensions, for compressed ones by its size field.
    /// </summary>
    private static bool IsBmp(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 54)
            return bytes.Length >= 26 && BinaryPrimitives.ReadInt32LittleEndian(bytes[14..]) == 12;
        long first = BinaryPrimitives.ReadUInt32LittleEndian(bytes[10..]);
        if (BinaryPrimitives.ReadInt32LittleEndian(bytes[14..]) < 40)
            return first < bytes.Length;
        long width = BinaryPrimitives.ReadInt32LittleEndian(bytes[18..]), height = BinaryPrimitives.ReadInt32LittleEndian(bytes[22..]);
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..]);
        bool compressed = BinaryPrimitives.ReadUInt32LittleEndian(bytes[30..]) is 1 or 2;
        long size = compressed ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[34..]) : (width * bits + 31) / 32 * 4 * Math.Abs(height);
        return first + size <= bytes.Length;
    }
}
