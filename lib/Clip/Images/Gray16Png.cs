using System.Buffers.Binary;
using System.IO.Compression;

namespace ClipNotebooks.Clip.Images;

/// <summary>Reads non-interlaced 16-bit gray PNG (PNG specification, sections 5, 9 and 10) with all its bits.</summary>
internal static class Gray16Png
{
    internal static RasterImage Decode(ReadOnlyMemory<byte> encoded, long width, long height, string name)
    {
        int stride = checked((int)(2 * width));
        var samples = new ushort[checked((int)(width * height))];
        using var inflated = new ZLibStream(new MemoryStream(ImageData(encoded.Span, name)), CompressionMode.Decompress);
        byte[] row = new byte[stride], above = new byte[stride], filter = new byte[1];
        try
        {
            for (int y = 0; y < height; y++)
            {
                inflated.ReadExactly(filter);
                inflated.ReadExactly(row);
                Unfilter(filter[0], row, above, name);
                for (int x = 0; x < width; x++) samples[y * (int)width + x] = BinaryPrimitives.ReadUInt16BigEndian(row.AsSpan(2 * x));
                (row, above) = (above, row);
            }
        }
        catch (EndOfStreamException exception)
        {
            throw new InvalidDataException($"{name} is damaged: its image data is cut short.", exception);
        }
        return RasterImage.FromGray16((int)width, (int)height, samples);
    }

    private static byte[] ImageData(ReadOnlySpan<byte> file, string name)
    {
        using var data = new MemoryStream();
        for (int at = 8; at + 12 <= file.Length;)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            if (length > file.Length - at - 12) throw new InvalidDataException($"{name} is damaged: a chunk at byte {at} is longer than the file.");
            var type = file.Slice(at + 4, 4);
            if (type.SequenceEqual("IDAT"u8)) data.Write(file.Slice(at + 8, (int)length));
            if (type.SequenceEqual("IEND"u8)) break;
            at += (int)length + 12;
        }
        return data.ToArray();
    }

    private static void Unfilter(byte filter, byte[] row, byte[] above, string name)
    {
        for (int i = 0; i < row.Length; i++)
        {
            int left = i >= 2 ? row[i - 2] : 0, up = above[i], corner = i >= 2 ? above[i - 2] : 0;
            row[i] += (byte)(filter switch
            {
                0 => 0,
                1 => left,
                2 => up,
                3 => (left + up) / 2,
                4 => Paeth(left, up, corner),
                _ => throw new InvalidDataException($"{name} is damaged: there is no PNG filter {filter}."),
            });
        }
    }

    private static int Paeth(int left, int up, int corner)
    {
        int p = left + up - corner, a = Math.Abs(p - left), b = Math.Abs(p - up), c = Math.Abs(p - corner);
        return a <= b && a <= c ? left : b <= c ? up : corner;
    }
}
