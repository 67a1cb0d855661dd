using System.Buffers.Binary;

namespace ClipNotebooks.Core.Images;

/// <summary>
/// Reads BMP as Pillow does: headers of 12 to 124 bytes, 1, 4, 8, 16, 24 and 32 bits a pixel, RLE and the known bit fields, rows from the
/// bottom or from the top. A palette i → (i, i, i) is read as gray; other palettes, and those of two colours, stay palettes.
/// </summary>
internal static class BmpFile
{
    /// <summary>For 32 bits: the masks of red, green, blue and alpha, and the bytes in which they lie.</summary>
    private static readonly (uint Red, uint Green, uint Blue, uint Alpha, int[] Places)[] Fields =
    [
        (0xff0000, 0xff00, 0xff, 0, [2, 1, 0]), (0xff000000, 0xff0000, 0xff00, 0, [3, 2, 1]), (0xff000000, 0xff00, 0xff, 0, [3, 1, 0]),
        (0xff000000, 0xff0000, 0xff00, 0xff, [3, 2, 1, 0]), (0xff, 0xff00, 0xff0000, 0xff000000, [0, 1, 2, 3]),
        (0xff0000, 0xff00, 0xff, 0xff000000, [2, 1, 0, 3]), (0xff000000, 0xff00, 0xff, 0xff0000, [3, 1, 0, 2]), (0, 0, 0, 0, [2, 1, 0, 3]),
    ];

    internal static bool Is(ReadOnlySpan<byte> file) => file.StartsWith("BM"u8);

    /// <exception cref="InvalidDataException">The file is damaged, cut short, or of a form that Pillow does not read either.</exception>
    internal static RasterImage Decode(
        ReadOnlySpan<byte> file, string name, Action<long, long> checkSize, CancellationToken cancellationToken)
    {
        try
        {
            return Read(file, name, checkSize, cancellationToken);
        }
        catch (Exception exception) when (exception is ArgumentOutOfRangeException or IndexOutOfRangeException or OverflowException)
        {
            throw new InvalidDataException($"{name} is damaged: it is cut short.", exception);
        }
    }

    private static RasterImage Read(ReadOnlySpan<byte> file, string name, Action<long, long> checkSize, CancellationToken cancellationToken)
    {
        var header = file[14..];
        int size = Number(header, 0), offset = Number(file, 10);
        bool core = size == 12;
        if (!core && size is not (40 or 52 or 56 or 64 or 108 or 124)) throw Unknown($"a header of {size} bytes");
        long width = core ? Word(header, 4) : (uint)Number(header, 4), height = core ? Word(header, 6) : Number(header, 8);
        bool fromAbove = height < 0;
        height = Math.Abs(height);
        int bits = Word(header, core ? 10 : 14), compression = core ? 0 : Number(header, 16);
        checkSize(width, height);
        if (bits is not (1 or 4 or 8 or 16 or 24 or 32)) throw Unknown($"{bits} bits a pixel");
        if (compression is not (0 or 3) && (compression, bits) is not ((1, 8) or (2, 4))) throw Unknown($"compression {compression}");
        if (compression == 3 && bits < 16) throw Unknown("bit fields in a palette");

        int step = core ? 3 : 4, colours = core ? 0 : Number(header, 32);
        if (bits <= 8 && colours == 0) colours = 1 << bits;
        if (bits <= 8 && colours is < 1 or > 65536) throw Unknown($"{colours} colours");
        var palette = bits <= 8 ? header.Slice(size, colours * step) : [];
        if (offset == 0 || offset == 14 + size) offset = 14 + size + palette.Length + (
            compression == 3 && size == 40 && offset == 0 ? 12 : 0);
        var entries = PngFile.Colours(palette, step, blueFirst: true);
        bool isGray = bits <= 8 && colours != 2
            && Enumerable.Range(0, Math.Min(colours, 256)).All(i => entries[i] == PngFile.Pixel(i, i, i));
        var places = compression == 3 && bits == 32 ? Places(header, size, name) : [2, 1, 0];
        bool is565 = compression == 3 && bits == 16 && Number(header, 40) == 0xf800;
        if (compression == 3 && bits == 16 && !is565 && Number(header, 40) != 0x7c00) throw Unknown("these bit fields");

        var layout = bits <= 8 && !isGray ? SampleLayout.Indexed : places.Length == 4 ? SampleLayout.Rgba : SampleLayout.Rgb;
        var image = RasterImage.Rent((int)width, (int)height, layout, entries[0]);
        try
        {
            byte[]? unpacked = compression is 1 or 2 ? Unpack(file[offset..], (int)width, (int)height, compression == 2, cancellationToken)
                : null;
            int depth = unpacked is null ? bits : 8, stride = checked(unpacked is null ? (int)((width * bits + 31) / 32 * 4) : (int)width);
            var data = unpacked is null ? file[offset..] : unpacked;
            for (int y = 0; y < height; y++)
            {
                if (y % 64 == 0) cancellationToken.ThrowIfCancellationRequested();
                var row = data.Slice(y * stride, (int)((width * depth + 7) / 8));
                var target = image.WritablePixels.Slice((int)((fromAbove ? y : height - 1 - y) * width), (int)width);
                for (int x = 0; x < target.Length; x++)
                {
                    target[x] = depth switch
                    {
                        <= 8 => entries[PngFile.Sample(row, x, depth)],
                        16 => Sixteen(Word(row, 2 * x), is565),
                        _ => Whole(row[(x * depth / 8)..], places),
                    };
                }
            }
            return image;
        }
        catch
        {
            image.Dispose();
            throw;
        }

        InvalidDataException Unknown(string what) => new($"{name} is a BMP file with {what}, which is not read: save it as PNG.");
    }

    private static uint Whole(ReadOnlySpan<byte> pixel, int[] places) =>
        PngFile.Pixel(pixel[places[0]], pixel[places[1]], pixel[places[2]], places.Length == 4 ? pixel[places[3]] : 255);

    private static uint Sixteen(int value, bool is565)
    {
        int red = value >> (is565 ? 11 : 10) & 31, green = value >> 5 & (is565 ? 63 : 31), blue = value & 31;
        return PngFile.Pixel(red * 255 / 31, green * 255 / (is565 ? 63 : 31), blue * 255 / 31);
    }

    private static int[] Places(ReadOnlySpan<byte> header, int size, string name)
    {
        var (red, green, blue) = ((uint)Number(header, 40), (uint)Number(header, 44), (uint)Number(header, 48));
        uint alpha = size >= 56 ? (uint)Number(header, 52) : 0;
        foreach (var field in Fields)
            if ((field.Red, field.Green, field.Blue, field.Alpha) == (red, green, blue, alpha)) return field.Places;
        throw new InvalidDataException(
            $"{name} is a BMP file with the bit fields {red:x}, {green:x}, {blue:x}, {alpha:x}, which are not read: save it as PNG.");
    }

    /// <summary>Unpacks run lengths to one byte per pixel, bottom row first; skipped pixels are 0.</summary>
    private static byte[] Unpack(ReadOnlySpan<byte> data, int width, int height, bool isFour, CancellationToken cancellationToken)
    {
        var pixels = new byte[checked(width * height)];
        int at = 0, done = 0, x = 0;
        while (done < pixels.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = data[at], value = data[at + 1];
            at += 2;
            if (count > 0)
            {
                count = Math.Clamp(width - x, 0, Math.Min(count, pixels.Length - done));
                for (int i = 0; i < count; i++) pixels[done++] = (byte)(!isFour ? value : i % 2 == 0 ? value >> 4 : value & 15);
                x += count;
            }
            else if (value == 0)
            {
                done += (width - done % width) % width;
                x = 0;
            }
            else if (value == 1) throw new ArgumentOutOfRangeException(nameof(data), "The picture ends before its last row.");
            else if (value == 2)
            {
                done += data[at] + data[at + 1] * width;
                (at, x) = (at + 2, done % width);
            }
            else
            {
                count = Math.Min(value, pixels.Length - done);
                for (int i = 0; i < count; i++) pixels[done++] = isFour ? (byte)PngFile.Sample(data[at..], i, 4) : data[at + i];
                at += (isFour ? (value + 1) / 2 : value) + 1 & ~1;
                x += value;
            }
        }
        return pixels;
    }

    private static int Number(ReadOnlySpan<byte> file, int at) => BinaryPrimitives.ReadInt32LittleEndian(file[at..]);

    private static int Word(ReadOnlySpan<byte> file, int at) => BinaryPrimitives.ReadUInt16LittleEndian(file[at..]);
}
