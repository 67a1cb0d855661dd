using System.Buffers.Binary;
using System.IO.Compression;
using ClipNotebooks.Clip.Tests.Checkpoints;

namespace ClipNotebooks.Clip.Tests.ImageSharp;

/// <summary>Files of few bytes that unfold to hundreds of megabytes, though their header speaks of 16 × 16 pixels.</summary>
internal static class Bombs
{
    private const int Side = 16, Unfolded = 256 << 20;

    internal static byte[] Of(string kind) => kind switch
    {
        "text" => Png(rows: Side, Chunk("zTXt", [.. "Comment\0\0"u8, .. Zeros(Unfolded)])),
        "profile" => Png(rows: Side, Chunk("iCCP", [.. "icc\0\0"u8, .. Zeros(Unfolded)])),
        "rows" => Png(rows: Unfolded / (Side + 1)),
        "frame" => Gif(),
        _ => Jpeg(),
    };

    /// <summary>Gray, with as many rows as are asked for, whatever the header says.</summary>
    private static byte[] Png(int rows, params byte[] before)
    {
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, Side);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), Side);
        header[8] = 8;
        byte[] data = Zeros(rows * (Side + 1));
        return [0x89, .. "PNG\r\n\u001a\n"u8, .. Chunk("IHDR", header), .. before, .. Chunk("IDAT", data), .. Chunk("IEND", [])];
    }

    private static byte[] Chunk(string name, byte[] content)
    {
        byte[] named = [.. System.Text.Encoding.ASCII.GetBytes(name), .. content];
        byte[] length = new byte[4], check = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, content.Length);
        BinaryPrimitives.WriteUInt32BigEndian(check, PyTorchFile.Crc32(named));
        return [.. length, .. named, .. check];
    }

    private static byte[] Zeros(int count)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            for (byte[] block = new byte[1 << 20]; count > 0; count -= block.Length)
                zlib.Write(block, 0, Math.Min(count, block.Length));
        return packed.ToArray();
    }

    /// <summary>A frame of 65,535 × 65,535 pixels on a canvas of 16 × 16, and data for a few of them.</summary>
    private static byte[] Gif() =>
    [
        .. "GIF89a"u8, Side, 0, Side, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255,
        0x2c, 0, 0, 0, 0, 255, 255, 255, 255, 0, 2, 2, 0x4c, 0x01, 0, 0x3b,
    ];

    /// <summary>Sixteen thousand blocks, and not a byte of them.</summary>
    private static byte[] Jpeg()
    {
        byte[] table = [0, .. Enumerable.Repeat((byte)1, 64)], code = [1, .. new byte[15]];
        return
        [
            0xff, 0xd8, .. Segment(0xdb, table), .. Segment(0xc2, [8, 4, 0, 4, 0, 1, 1, 0x11, 0]), .. Segment(0xc4, [0, .. code, 0]),
            .. Segment(0xda, [1, 1, 0, 0, 0, 0]), 0xff, 0xd9,
        ];
    }

    private static byte[] Segment(byte marker, byte[] body) =>
        [0xff, marker, (byte)((body.Length + 2) >> 8), (byte)(body.Length + 2), .. body];
}
