using System.Buffers.Binary;

namespace ClipNotebooks.Core.Images;

/// <summary>
/// Reads the first frame of a GIF (GIF89a) as Pillow does: a palette i → (i, i, i) is read as gray; the area outside the frame gets the
/// transparent colour, or else the palette's first; transparent pixels keep their colour. Later frames are not read, but a file that ends
/// within one is refused as cut short.
/// </summary>
internal static class GifFile
{
    private const int Codes = 4096;

    internal static bool Is(ReadOnlySpan<byte> file) => file.StartsWith("GIF87a"u8) || file.StartsWith("GIF89a"u8);

    /// <exception cref="InvalidDataException">The file is damaged or cut short.</exception>
    internal static RasterImage Decode(
        ReadOnlySpan<byte> file, string name, Action<long, long> checkSize, CancellationToken cancellationToken)
    {
        try
        {
            return Read(file, name, checkSize, cancellationToken);
        }
        catch (Exception exception) when (exception is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            throw new InvalidDataException($"{name} is damaged: it is cut short.", exception);
        }
    }

    private static RasterImage Read(ReadOnlySpan<byte> file, string name, Action<long, long> checkSize, CancellationToken cancellationToken)
    {
        int width = Word(file, 6), height = Word(file, 8), at = 13, transparent = -1;
        var palette = Palette(file, file[10], ref at);
        while (file[at] != ',')
        {
            if (file[at] == ';') throw new InvalidDataException($"{name} is damaged: it holds no frame.");
            if (file[at++] != '!') continue;
            if (file[at] == 0xf9 && file[at + 1] >= 4 && (file[at + 2] & 1) != 0) transparent = file[at + 5];
            for (at++; file[at] != 0; at += 1 + file[at]) { }
            at++;
        }
        int left = Word(file, at + 1), top = Word(file, at + 3), columns = Word(file, at + 5), rows = Word(file, at + 7),
            flags = file[at + 9];
        at += 10;
        if ((flags & 0x80) != 0) palette = Palette(file, flags, ref at);
        (width, height) = (Math.Max(width, left + columns), Math.Max(height, top + rows));
        checkSize(width, height);
        // Without a palette, or with one that is i → (i, i, i), Pillow opens the file as gray.
        bool isGray = palette is null || palette.Index().Take(PaletteSize(file, flags)).All(entry => entry.Item == Gray(entry.Index));
        uint[] colours = isGray ? [.. Enumerable.Range(0, 256).Select(Gray)] : palette!;

        var image = RasterImage.Rent(width, height, isGray ? SampleLayout.Rgb : SampleLayout.Indexed, colours[0]);
        try
        {
            var pixels = image.WritablePixels;
            if (columns < width || rows < height) pixels.Fill(colours[Math.Max(transparent, 0)]);
            var frame = new byte[checked(columns * rows)];
            if (!Unpack(file, at, frame, cancellationToken)) throw new InvalidDataException(
                $"{name} is damaged: its image data is cut short or out of order.");
            if (EndsInAFrame(file, at)) throw new InvalidDataException($"{name} is damaged: it is cut short after its first frame.");
            bool interlaced = (flags & 0x40) != 0;
            for (int i = 0, y = 0, pass = 0; i < rows; i++, y += interlaced ? pass switch { 0 or 1 => 8, 2 => 4, _ => 2 } : 1)
            {
                while (y >= rows) y = ++pass switch { 1 => 4, 2 => 2, _ => 1 };
                var target = pixels[((top + y) * width + left)..];
                for (int x = 0; x < columns; x++) target[x] = colours[frame[i * columns + x]];
            }
            return image;
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    /// <summary>Decodes the frame's LZW codes; false if they end early or a code is invalid.</summary>
    private static bool Unpack(ReadOnlySpan<byte> file, int at, Span<byte> frame, CancellationToken cancellationToken)
    {
        int least = file[at++], clear = 1 << least, size = least + 1, next = clear + 2, before = -1, first = 0, bits = 0, held = 0,
            block = 0, done = 0;
        if (least > 11) return false;
        Span<ushort> prefix = stackalloc ushort[Codes];
        Span<byte> suffix = stackalloc byte[Codes], stack = stackalloc byte[Codes + 1];
        while (done < frame.Length)
        {
            while (held < size)
            {
                if (block == 0)
                {
                    if (at >= file.Length || (block = file[at++]) == 0) return false;
                    cancellationToken.ThrowIfCancellationRequested();
                }
                if (at >= file.Length) return false;
                bits |= file[at++] << held;
                held += 8;
                block--;
            }
            int code = bits & (1 << size) - 1, depth = 0, from = code;
            bits >>= size;
            held -= size;
            if (code == clear)
            {
                (size, next, before) = (least + 1, clear + 2, -1);
                continue;
            }
            if (code == clear + 1 || code > next || before < 0 && code >= clear) return false;
            if (code == next)
            {
                stack[depth++] = (byte)first;
                from = before;
            }
            for (; from >= clear; from = prefix[from]) stack[depth++] = suffix[from];
            stack[depth++] = (byte)(first = from);
            if (before >= 0 && next < Codes)
            {
                (prefix[next], suffix[next]) = ((ushort)before, (byte)first);
                if (++next == 1 << size && size < 12) size++;
            }
            before = code;
            while (depth > 0 && done < frame.Length) frame[done++] = stack[--depth];
        }
        return true;
    }

    /// <summary>Whether a file ends within its blocks; one that lacks only its end mark counts as complete.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="at">Where the first frame's data begin.</param>
    private static bool EndsInAFrame(ReadOnlySpan<byte> file, int at)
    {
        bool first = true;
        for (at++; ; first = false)
        {
            while (at < file.Length && file[at] != 0) at += 1 + file[at];
            if (at >= file.Length) return at > file.Length || !first;
            if (++at == file.Length) return false;
            if (file[at] == '!') at += 2;
            else if (file[at] != ',') return false;
            else if (at + 10 >= file.Length) return true;
            else at += 11 + ((file[at + 9] & 0x80) != 0 ? 3 * (2 << (file[at + 9] & 7)) : 0);
        }
    }

    private static uint Gray(int value) => (uint)value * 0x010101 | RasterImage.Black;

    private static int Word(ReadOnlySpan<byte> file, int at) => BinaryPrimitives.ReadUInt16LittleEndian(file[at..]);

    private static int PaletteSize(ReadOnlySpan<byte> file, int flags) => 2 << ((flags & 0x80) != 0 ? flags & 7 : file[10] & 7);

    private static uint[]? Palette(ReadOnlySpan<byte> file, int flags, ref int at)
    {
        if ((flags & 0x80) == 0) return null;
        var bytes = file.Slice(at, 3 * (2 << (flags & 7)));
        at += bytes.Length;
        return PngFile.Colours(bytes, 3);
    }
}
