using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace ClipNotebooks.Clip.Images;

/// <summary>
/// Reads the JPEG that cameras, Pillow and most of the web write: sequential Huffman coding of gray, of YCbCr with its colours at full size (4:4:4), half the columns (4:2:2) or half the rows too (4:2:0), or of CMYK without a
/// colour transform (ITU-T T.81). Pixels are libjpeg's, and so Pillow's, bit for bit: the inverse transform, the colours' interpolation ("fancy upsampling") and their conversion. What is of another form or
/// damaged is left to SkiaSharp. It is here for two reasons: SkiaSharp converts CMYK to RGB before the resize, where CLIP's pipeline does afterwards, and takes half as long again as Pillow for the others (tests/Benchmarks/README.md).
/// </summary>
internal sealed unsafe class BaselineJpeg
{
    private const int Block = 64;

    private static readonly byte[] ZigZag =
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];

    private readonly ushort[][] _quantization = new ushort[4][];
    private readonly JpegHuffmanTable?[] _dc = new JpegHuffmanTable?[4], _ac = new JpegHuffmanTable?[4];
    private Component[] _components = [];
    private int _width, _height, _restart, _mostAcross = 1, _mostDown = 1;
    private int? _adobe;
    private bool _jfif;

    /// <param name="file">All of it.</param>
    /// <param name="name">For errors.</param>
    /// <param name="checkSize">Refuses images that are too large.</param>
    /// <param name="whole">Whether an image of such a size is wanted in full, if not all are; others than CMYK are left to SkiaSharp where not.</param>
    /// <returns>The image; null where the file is of another form, and where a file that is not CMYK is damaged.</returns>
    /// <exception cref="InvalidDataException">The file is CMYK and damaged.</exception>
    internal static RasterImage? TryDecode(
        ReadOnlySpan<byte> file, string name, Action<long, long> checkSize, Func<int, int, bool>? whole = null)
    {
        if (!file.StartsWith<byte>([0xff, 0xd8])) return null;
        var jpeg = new BaselineJpeg();
        try
        {
            return jpeg.ReadHeader(file, checkSize) is { } scan && (jpeg._components.Length == 4 || whole is null || whole(jpeg._width, jpeg._height)) ? jpeg.Decode(file[scan..]) : null;
        }
        catch (Exception exception) when (exception is ArgumentOutOfRangeException or IndexOutOfRangeException or EndOfStreamException or OverflowException)
        {
            if (jpeg._components.Length != 4) return null;
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
                case 0xc0 or 0xc1 when !IsKnownFrame(body):
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
                    _adobe = body[11];
                    break;
                case 0xe0 when body.StartsWith("JFIF\0"u8) && body.Length >= 14:
                    _jfif = true;
                    break;
                case 0xda:
                    return IsWholeScan(body) && HasKnownColours() ? at : null;
            }
        }
        return null;
    }

    private bool IsKnownFrame(ReadOnlySpan<byte> body)
    {
        if (body.Length < 6 || body[0] != 8 || body.Length < 6 + 3 * body[5]) return false;
        (_height, _width) = (BinaryPrimitives.ReadUInt16BigEndian(body[1..]), BinaryPrimitives.ReadUInt16BigEndian(body[3..]));
        _components = new Component[body[5]];
        for (int c = 0; c < _components.Length; c++) _components[c] = new Component { Id = body[6 + 3 * c], Across = body[7 + 3 * c] >> 4, Down = body[7 + 3 * c] & 15, Quantization = body[8 + 3 * c] & 3 };
        if (_components.Length is not (1 or 3 or 4)) return false;
        (_mostAcross, _mostDown) = (_components[0].Across, _components[0].Down);
        // Columns of less than three samples are doubled, not interpolated: left to libjpeg, as are sizes of the colours that are rare.
        return (_mostAcross, _mostDown, _components.Length) switch
        {
            (1, 1, _) => _components.All(component => component is { Across: 1, Down: 1 }),
            (2, 1 or 2, 3) => _width > 4 && _components[1..].All(component => component is { Across: 1, Down: 1 }),
            _ => false,
        };
    }

    /// <summary>By libjpeg's rules (jdapimin.c, default_decompress_parms): three components are YCbCr if JFIF's marker or Adobe's says so, or if their numbers are 1, 2, 3; four are CMYK if there is no transform.</summary>
    private bool HasKnownColours() => _components.Length switch
    {
        3 => _jfif || _adobe == 1 || _adobe is null && _components is [{ Id: 1 }, { Id: 2 }, { Id: 3 }],
        4 => _adobe is null or 0,
        _ => true,
    };

    private bool IsWholeScan(ReadOnlySpan<byte> body)
    {
        if (_width == 0 || _height == 0 || _components.Length == 0 || body[0] != _components.Length) return false;
        for (int c = 0; c < _components.Length; c++)
        {
            if (body[1 + 2 * c] != _components[c].Id) return false;
            (_components[c].Dc, _components[c].Ac) = (body[2 + 2 * c] >> 4 & 3, body[2 + 2 * c] & 3);
        }
        return true;
    }

    private void ReadQuantization(ReadOnlySpan<byte> body)
    {
        while (body.Length > 0)
        {
            int size = body[0] >> 4 == 0 ? 1 : 2;
            var table = _quantization[body[0] & 3] = new ushort[Block];
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
            (body[0] >> 4 == 0 ? _dc : _ac)[body[0] & 3] = new JpegHuffmanTable(body.Slice(1, 16), body.Slice(17, symbols));
            body = body[(17 + symbols)..];
        }
    }

    private RasterImage Decode(ReadOnlySpan<byte> scan)
    {
        int across = (_width + 8 * _mostAcross - 1) / (8 * _mostAcross), down = (_height + 8 * _mostDown - 1) / (8 * _mostDown);
        foreach (var component in _components)
            (component.Stride, component.Samples) = (8 * across * component.Across, ArrayPool<byte>.Shared.Rent(checked(Block * across * component.Across * down * component.Down + Vector512<byte>.Count)));
        try
        {
            fixed (byte* first = scan) ReadScan(new JpegBits(first, first + scan.Length), across, down);
            var image = RasterImage.Rent(_width, _height, _components.Length == 4 ? SampleLayout.Cmyk : SampleLayout.Rgb);
            if (_components.Length == 4) PlaceCmyk(image.Writable);
            else JpegColours.Place(image.Writable, _width, _height, _components, _mostAcross, _mostDown);
            return image;
        }
        finally
        {
            foreach (var component in _components) ArrayPool<byte>.Shared.Return(component.Samples);
        }
    }

    private void ReadScan(JpegBits bits, int across, int down)
    {
        int* coefficients = stackalloc int[Block];
        for (int unit = 0; unit < across * down; unit++)
        {
            if (_restart > 0 && unit > 0 && unit % _restart == 0)
            {
                bits.Restart();
                foreach (var component in _components) component.Prediction = 0;
            }
            int row = unit / across, column = unit % across;
            foreach (var component in _components)
                fixed (byte* samples = component.Samples)
                    for (int y = 0; y < component.Down; y++)
                        for (int x = 0; x < component.Across; x++)
                        {
                            byte* place = samples + 8 * ((nint)(row * component.Down + y) * component.Stride + column * component.Across + x);
                            if (ReadBlock(ref bits, component, coefficients) == 1) InverseDct.Flat(coefficients[0], place, component.Stride);
                            else InverseDct.Transform(coefficients, place, component.Stride);
                        }
            bits.RequireNoOverrun();
        }
    }

    /// <summary>Coefficients times their quantisation, in rows.</summary>
    /// <returns>1 where there is none but the first.</returns>
    private int ReadBlock(ref JpegBits scan, Component component, int* coefficients)
    {
        var bits = scan; // in registers
        var (dc, ac, quantization) = (_dc[component.Dc], _ac[component.Ac], _quantization[component.Quantization]);
        if (dc is null || ac is null || quantization is null) throw new EndOfStreamException("A table is missing.");
        new Span<int>(coefficients, Block).Clear();
        component.Prediction += bits.Signed(bits.Symbol(dc));
        coefficients[0] = component.Prediction * quantization[0];
        int k = 1;
        for (; k < Block; k++)
        {
            int value = bits.Coefficient(ac, out int zeros);
            if (value == 0)
            {
                if (zeros != 15) break;
                k += 15;
                continue;
            }
            k += zeros;
            int place = ZigZag[k]; // past the end where the data is damaged
            coefficients[place] = value * quantization[place];
        }
        scan = bits;
        return k;
    }

    /// <summary>255 for no ink is taken the other way round where Adobe's marker is there.</summary>
    private void PlaceCmyk(Span<byte> target)
    {
        int turn = _adobe is null ? 0 : 255;
        for (int c = 0; c < 4; c++)
            for (int y = 0, i = c; y < _height; y++)
                for (int x = 0; x < _width; x++, i += 4) target[i] = (byte)(_components[c].Samples[y * _components[c].Stride + x] ^ turn);
    }

    /// <summary>One of the planes that a JPEG is made of.</summary>
    internal sealed class Component
    {
        internal int Id { get; init; }

        /// <summary>Blocks side by side in a unit of the scan.</summary>
        internal int Across { get; init; }

        /// <summary>Blocks one below the other in a unit of the scan.</summary>
        internal int Down { get; init; }

        internal int Quantization { get; init; }

        internal int Dc { get; set; }

        internal int Ac { get; set; }

        internal int Prediction { get; set; }

        /// <summary>Whole blocks, so that there are samples past the image's edges.</summary>
        internal byte[] Samples { get; set; } = [];

        internal int Stride { get; set; }
    }
}
