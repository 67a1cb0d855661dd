using System.Buffers.Binary;
using System.IO.Compression;

namespace ClipNotebooks.Core.Images;

/// <summary>
/// Reads PNG (its specification, sections 5 and 7 to 11), every colour type and depth, interlaced too, as Pillow does: palettes and 1-bit
/// gray stay palettes, 16-bit gray keeps its bits, other 16-bit samples keep the upper eight, transparent pixels keep their colour.
/// </summary>
internal static class PngFile
{
    /// <summary>Adam7: where each pass begins, and its steps from pixel to pixel.</summary>
    private static readonly (int X, int Y, int Across, int Down)[] Passes =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    internal static bool Is(ReadOnlySpan<byte> file) => file.StartsWith(Signature);

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a];

    /// <exception cref="InvalidDataException">The file is damaged or cut short.</exception>
    internal static RasterImage Decode(
        ReadOnlySpan<byte> file, string name, Action<long, long> checkSize, CancellationToken cancellationToken)
    {
        if (file.Length < 33 || !file.Slice(12, 4).SequenceEqual("IHDR"u8)) throw Damaged(name, "it ends in its header");
        long w = BinaryPrimitives.ReadUInt32BigEndian(file[16..]), h = BinaryPrimitives.ReadUInt32BigEndian(file[20..]);
        int depth = file[24], type = file[25];
        bool interlaced = file[28] != 0;
        checkSize(w, h);
        bool known =
            type switch { 0 => depth is 1 or 2 or 4 or 8 or 16, 3 => depth is 1 or 2 or 4 or 8, 2 or 4 or 6 => depth is 8 or 16, _ =>
            false };
        if (!known || file[26] != 0 || file[27] != 0 || file[28] > 1) throw Damaged(
            name, $"there is no colour type {type} of {depth} bits");
        var (width, height) = ((int)w, (int)h);

        var (data, palette) = Chunks(file);
        if (type == 3 && palette is null) throw Damaged(name, "it has no palette");
        var first = palette is null ? RasterImage.Black : palette[0];
        bool isGray16 = type == 0 && depth == 16;
        var layout = type == 3 || type == 0 && depth == 1 ? SampleLayout.Indexed : type >= 4 ? SampleLayout.Rgba : SampleLayout.Rgb;
        ushort[] gray16 = isGray16 ? new ushort[checked(width * height)] : [];
        var image = isGray16 ? RasterImage.FromGray16(width, height, gray16) : RasterImage.Rent(width, height, layout, first);
        try
        {
            using var inflated = new ZLibStream(data, CompressionMode.Decompress);
            int bits = depth * (type switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 });
            foreach (var (x0, y0, across, down) in interlaced ? Passes : [(0, 0, 1, 1)])
            {
                int columns = (width - x0 + across - 1) / across, rows = (height - y0 + down - 1) / down;
                if (columns <= 0 || rows <= 0) continue;
                int stride = checked((int)(((long)columns * bits + 7) / 8));
                byte[] row = new byte[stride + 1], above = new byte[stride + 1];
                for (int y = 0; y < rows; y++)
                {
                    if (y % 64 == 0) cancellationToken.ThrowIfCancellationRequested();
                    inflated.ReadExactly(row);
                    Unfilter(row, above, Math.Max(1, bits / 8), name);
                    int line = (y0 + y * down) * width + x0;
                    if (isGray16)
                        for (int x = 0; x < columns; x++) gray16[line + x * across] = BinaryPrimitives.ReadUInt16BigEndian(
                            row.AsSpan(1 + 2 * x));
                    else Place(row.AsSpan(1), image.WritablePixels[line..], columns, across, type, depth, palette);
                    (row, above) = (above, row);
                }
            }
            return image;
        }
        catch (EndOfStreamException exception)
        {
            image.Dispose();
            throw Damaged(name, "its image data is cut short", exception);
        }
        catch (InvalidDataException exception) when (
            exception.InnerException is not null || !exception.Message.StartsWith(name, StringComparison.Ordinal))
        {
            image.Dispose();
            throw Damaged(name, "its image data cannot be inflated", exception);
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    /// <summary>Joins the image data, as far as the file goes, and reads the palette's colours as pixels.</summary>
    private static (MemoryStream Data, uint[]? Palette) Chunks(ReadOnlySpan<byte> file)
    {
        var data = new MemoryStream();
        uint[]? palette = null;
        for (int at = 8; at + 8 <= file.Length;)
        {
            long length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            var type = file.Slice(at + 4, 4);
            var body = file.Slice(at + 8, (int)Math.Min(length, file.Length - at - 8));
            if (type.SequenceEqual("IDAT"u8)) data.Write(body);
            if (type.SequenceEqual("IEND"u8)) break;
            if (type.SequenceEqual("PLTE"u8) && palette is null) palette = Colours(body, 3);
            if (at + 12 + length > file.Length) break;
            at += (int)length + 12;
        }
        data.Position = 0;
        return (data, palette);
    }

    /// <summary>
    /// Reads up to 256 colours of <paramref name="step"/> bytes each, red first unless <paramref name="blueFirst"/>. Colours beyond the
    /// palette are black, as in Pillow.
    /// </summary>
    internal static uint[] Colours(ReadOnlySpan<byte> palette, int step, bool blueFirst = false)
    {
        var colours = new uint[256];
        Array.Fill(colours, RasterImage.Black);
        for (int i = 0, at = 0; i < 256 && at + 3 <= palette.Length; i++, at += step)
            colours[i] = blueFirst ? Pixel(palette[at + 2], palette[at + 1], palette[at])
                : Pixel(palette[at], palette[at + 1], palette[at + 2]);
        return colours;
    }

    internal static uint Pixel(int red, int green, int blue, int alpha = 255) => (uint)(red | green << 8 | blue << 16 | alpha << 24);

    private static void Place(ReadOnlySpan<byte> row, Span<uint> target, int columns, int across, int type, int depth, uint[]? palette)
    {
        if (type is 2 or 6 && depth == 8)
        {
            // Nearly all files: three or four bytes a pixel, as they are.
            for (int x = 0, at = 0; x < columns; x++, at += type == 2 ? 3 : 4)
                target[x * across] = Pixel(row[at], row[at + 1], row[at + 2], type == 2 ? 255 : row[at + 3]);
            return;
        }
        int wide = depth / 8, most = (1 << Math.Min(depth, 8)) - 1;
        for (int x = 0; x < columns; x++)
        {
            int at = x * wide;
            target[x * across] = type switch
            {
                2 => Pixel(row[3 * at], row[3 * at + wide], row[3 * at + 2 * wide]),
                4 => Pixel(row[2 * at], row[2 * at], row[2 * at], row[2 * at + wide]),
                6 => Pixel(row[4 * at], row[4 * at + wide], row[4 * at + 2 * wide], row[4 * at + 3 * wide]),
                3 => palette![Sample(row, x, depth)],
                _ => (uint)(Sample(row, x, depth) * 255 / most) * 0x010101 | RasterImage.Black,
            };
        }
    }

    /// <summary>A sample of up to eight bits; several share a byte, the first in its upper bits.</summary>
    internal static int Sample(ReadOnlySpan<byte> row, int x, int depth) =>
        depth == 8 ? row[x] : row[x * depth >> 3] >> (8 - depth - (x * depth & 7)) & (1 << depth) - 1;

    /// <param name="row">The filter's number, then the row.</param>
    /// <param name="above">The row above in the same form.</param>
    /// <param name="back">How many bytes to the left a sample's neighbour lies.</param>
    /// <param name="name">For errors.</param>
    private static void Unfilter(Span<byte> row, ReadOnlySpan<byte> above, int back, string name)
    {
        int filter = row[0];
        Span<byte> x = row[1..];
        above = above.Slice(1, x.Length);
        switch (filter)
        {
            case 0:
                return;
            case 1:
                for (int i = back; i < x.Length; i++) x[i] += x[i - back];
                return;
            case 2:
                for (int i = 0; i < x.Length; i++) x[i] += above[i];
                return;
            case 3:
                for (int i = 0; i < x.Length; i++) x[i] += (byte)(((i >= back ? x[i - back] : 0) + above[i]) / 2);
                return;
            case 4:
                for (int i = 0; i < x.Length; i++) x[i] += i >= back ? Paeth(x[i - back], above[i], above[i - back]) : above[i];
                return;
            default:
                throw Damaged(name, $"there is no filter {filter}");
        }
    }

    private static byte Paeth(int left, int up, int corner)
    {
        int p = left + up - corner, a = Math.Abs(p - left), b = Math.Abs(p - up), c = Math.Abs(p - corner);
        return (byte)(a <= b && a <= c ? left : b <= c ? up : corner);
    }

    private static InvalidDataException Damaged(string name, string why, Exception? inner = null) =>
        new($"{name} is damaged: {why}.", inner);
}
