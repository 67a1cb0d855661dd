using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace ClipNotebooks.Tests;

/// <summary>The kinds of picture files with which everything that reads pictures is tested; each is decoded in a way of its own.</summary>
internal static class PictureKinds
{
    private const int Side = 16;

    /// <summary>The names of the files: of Clip.Tests' reference or, for some BMP files, made here.</summary>
    internal static string[] All { get; } =
    [
        "rgb_131x97.png", "gray.png", "gray16.png", "interlaced.png", "bilevel.png", "palette.png", "palette_trns.png", "graypalette.gif",
        "gif.gif", "frame-smaller-than-canvas.gif", "rgba.png", "la.png", "cmyk.jpg", "differs.jpg", "progressive.jpg", "jpeg420.jpg",
        "lossless.webp", "gray.bmp", "rgb.bmp", "bilevel.bmp", "core.bmp", "555.bmp", "565.bmp", "rle8.bmp", "rle4.bmp",
    ];

    private static string Root { get; } = Find();

    internal static byte[] Bytes(string name)
    {
        if (name is "bilevel.bmp" or "core.bmp" or "555.bmp" or "565.bmp" or "rle8.bmp" or "rle4.bmp") return Bmp(name);
        string reference = Path.Combine(Root, "tests", "Clip.Tests", "Reference");
        return File.ReadAllBytes(Directory.GetFiles(Path.Combine(reference, "hf_preprocess", "images"), name)
            .Concat(Directory.GetFiles(Path.Combine(reference, "cases"), name, SearchOption.AllDirectories)).First());
    }

    /// <summary>A BMP of 16 × 16 random pixels.</summary>
    private static byte[] Bmp(string name)
    {
        var dice = new Random(name.Length);
        int bits = name switch { "bilevel.bmp" => 1, "rle4.bmp" => 4, "rle8.bmp" => 8, "core.bmp" => 24, _ => 16 };
        var header = new byte[name == "core.bmp" ? 12 : 40];
        BinaryPrimitives.WriteInt32LittleEndian(header, header.Length);
        if (header.Length == 12)
        {
            (header[4], header[6], header[8], header[10]) = (Side, Side, 1, (byte)bits);
        }
        else
        {
            (header[4], header[8], header[12], header[14]) = (Side, Side, 1, (byte)bits);
            header[16] = name switch { "rle8.bmp" => 1, "rle4.bmp" => 2, "565.bmp" => 3, _ => 0 };
        }
        byte[] masks = name == "565.bmp" ? [0, 0xf8, 0, 0, 0xe0, 7, 0, 0, 0x1f, 0, 0, 0] : [];
        byte[] palette = bits == 1 ? [0, 0, 0, 0, 255, 255, 255, 0] : new byte[bits <= 8 ? 4 << bits : 0];
        if (bits is 4 or 8) dice.NextBytes(palette);
        byte[] pixels = new byte[bits == 1 ? 4 * Side : Side * Side * bits / 8];
        if (name.StartsWith("rle", StringComparison.Ordinal))
            pixels = [.. Enumerable.Range(0, Side).SelectMany(_ => new byte[] { 7, (byte)dice.Next(256), 9, (byte)dice.Next(256), 0, 0 }),
                0, 1];
        else dice.NextBytes(pixels);
        byte[] file = [(byte)'B', (byte)'M', .. new byte[12], .. header, .. masks, .. palette, .. pixels];
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), file.Length - pixels.Length);
        return file;
    }

    private static string Find([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));
}
