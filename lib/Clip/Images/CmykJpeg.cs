using System.Buffers.Binary;

namespace ClipNotebooks.Clip.Images;

/// <summary>
/// Reads the samples of a CMYK JPEG before any conversion to RGB, as CLIP's pipeline resizes them (JPEG: ITU-T T.81). Sequential Huffman coding with four
/// components of one size and no colour transform, which is what Pillow and Photoshop write unless told otherwise; other forms are left to SkiaSharp.
/// </summary>
internal sealed class CmykJpeg
{
    private const int Components = 4, Block = 64;

    private static readonly byte[] ZigZag =
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];

    private readonly ushort[][] _quantization = new ushort[4][];
    private readonly JpegHuffmanTable?[] _dc = new JpegHuffmanTable?[4], _ac = new JpegHuffmanTable?[4];
    private readonly int[] _quantizationOf = new int[Components], _dcOf = new int[Components], _acOf = new int[Components];
    private readonly byte[] _ids = new byte[Components];
    private int _width, _height, _restart;
    private bool _adobe;

    /// <returns>The samples, 255 for no ink taken the other way round where Adobe's marker says so; null where the file is of another form.</returns>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    internal static DecodedImage? TryDecode(ReadOnlySpan<byte> file, string name, Action<long, long> checkSize)
    {
        if (!file.StartsWith<byte>([0xff, 0xd8])) return null;
        var jpeg = new CmykJpeg();
        try
        {
            return jpeg.ReadHeader(file, checkSize) is { } scan ? jpeg.Decode(new JpegBits(file[scan..])) : null;
        }
        catch (Exception exception) when (exception is ArgumentOutOfRangeException or IndexOutOfRangeException or EndOfStreamException)
        {
            throw new InvalidDataException($"{name} is damaged: its JPEG data is cut short or out of order.", exception);
        }
    }

    /// <returns>Where the entropy-coded data begins; null where the file is of another form.</returns>
    private int? ReadHeader(ReadOnlySpan<byte> file, Action<long, long> checkSize)
    {
        for (int at = 2; at + 4 <= file.Length;)
        {
            if (file[at] != 0xff) return null;
            int marker = file[at + 1];
            if (marker == 0xff)
            {
                at++;
                continue;
            }
            int length = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (length < 2) return null;
            var body = file.Slice(at + 4, length - 2);
            at += 2 + length;
            switch (marker)
            {
                case 0xc0 or 0xc1 when !IsFourComponents(body):
                case 0xc2 or 0xc3 or (>= 0xc5 and <= 0xc7) or (>= 0xc9 and <= 0xcb) or (>= 0xcd and <= 0xcf):
                    return null;
                case 0xc0 or 0xc1:
                    checkSize(_width, _height);
                    break;
                case 0xc4:
                    ReadHuffmanTables(body);
                    break;
                case 0xdb:
                    ReadQuantization(body);
                    break;
                case 0xdd:
                    _restart = BinaryPrimitives.ReadUInt16BigEndian(body);
                    break;
                case 0xee when body.StartsWith("Adobe"u8) && body.Length >= 12:
                    if (body[11] != 0) return null;
                    _adobe = true;
                    break;
                case 0xda:
                    return IsWholeScan(body) ? at : null;
            }
        }
        return null;
    }

    private bool IsFourComponents(ReadOnlySpan<byte> body)
    {
        if (body[0] != 8 || body[5] != Components) return false;
        (_height, _width) = (BinaryPrimitives.ReadUInt16BigEndian(body[1..]), BinaryPrimitives.ReadUInt16BigEndian(body[3..]));
        for (int c = 0; c < Components; c++)
        {
            if (body[7 + 3 * c] != body[7]) return false;
            (_ids[c], _quantizationOf[c]) = (body[6 + 3 * c], body[8 + 3 * c]);
        }
        return body[7] == 0x11;
    }

    private bool IsWholeScan(ReadOnlySpan<byte> body)
    {
        if (_width == 0 || body[0] != Components) return false;
        for (int c = 0; c < Components; c++)
        {
            if (body[1 + 2 * c] != _ids[c]) return false;
            (_dcOf[c], _acOf[c]) = (body[2 + 2 * c] >> 4, body[2 + 2 * c] & 15);
        }
        return true;
    }

    private void ReadQuantization(ReadOnlySpan<byte> body)
    {
        while (body.Length > 0)
        {
            int size = body[0] >> 4 == 0 ? 1 : 2;
            var table = _quantization[body[0] & 15] = new ushort[Block];
            for (int i = 0; i < Block; i++) table[ZigZag[i]] = size == 1 ? body[1 + i] : BinaryPrimitives.ReadUInt16BigEndian(body[(1 + 2 * i)..]);
            body = body[(1 + Block * size)..];
        }
    }

    private void ReadHuffmanTables(ReadOnlySpan<byte> body)
    {
        while (body.Length > 0)
        {
            int symbols = 0;
            foreach (byte count in body.Slice(1, 16)) symbols += count;
            (body[0] >> 4 == 0 ? _dc : _ac)[body[0] & 15] = new JpegHuffmanTable(body.Slice(1, 16), body.Slice(17, symbols));
            body = body[(17 + symbols)..];
        }
    }

    private DecodedImage Decode(JpegBits bits)
    {
        var samples = new byte[4 * _width * _height];
        int across = (_width + 7) / 8, down = (_height + 7) / 8;
        Span<int> predictions = stackalloc int[Components], coefficients = stackalloc int[Block];
        for (int block = 0; block < across * down; block++)
        {
            if (_restart > 0 && block > 0 && block % _restart == 0)
            {
                bits.Restart();
                predictions.Clear();
            }
            for (int c = 0; c < Components; c++)
            {
                ReadBlock(ref bits, c, coefficients, ref predictions[c]);
                InverseDct.Transform(coefficients);
                Place(coefficients, samples, c, 8 * (block % across), 8 * (block / across));
            }
        }
        return DecodedImage.FromBytes(_width, _height, SampleLayout.Cmyk, samples);
    }

    private void ReadBlock(ref JpegBits bits, int component, scoped Span<int> coefficients, ref int prediction)
    {
        var (dc, ac) = (_dc[_dcOf[component]], _ac[_acOf[component]]);
        var quantization = _quantization[_quantizationOf[component]];
        if (dc is null || ac is null || quantization is null) throw new EndOfStreamException("A table is missing.");
        coefficients.Clear();
        prediction += bits.Signed(bits.Symbol(dc));
        coefficients[0] = prediction * quantization[0];
        for (int k = 1; k < Block; k++)
        {
            int symbol = bits.Symbol(ac), zeros = symbol >> 4, size = symbol & 15;
            if (size == 0 && zeros != 15) break;
            k += zeros;
            if (size > 0) coefficients[ZigZag[k]] = bits.Signed(size) * quantization[ZigZag[k]];
        }
    }

    private void Place(ReadOnlySpan<int> block, byte[] samples, int component, int left, int top)
    {
        for (int y = 0; y < 8 && top + y < _height; y++)
            for (int x = 0; x < 8 && left + x < _width; x++)
            {
                int value = Math.Clamp(block[8 * y + x] + 128, 0, 255);
                samples[4 * ((top + y) * _width + left + x) + component] = (byte)(_adobe ? 255 - value : value);
            }
    }
}
