using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ClipNotebooks.Core.Images;

/// <summary>
/// Reads the JPEG that cameras, Pillow and most of the web write (ITU-T T.81): Huffman coding, sequential or progressive, of gray, of YCbCr
/// with its colours at full size (4:4:4), half the columns (4:2:2) or half the rows too (4:2:0), of CMYK, and of YCCK in the sizes of
/// YCbCr. Pixels are libjpeg's, and so Pillow's, bit for bit: the inverse transform, the colours' interpolation ("fancy upsampling") and
/// their conversion. Other forms are left to SkiaSharp, which converts CMYK to RGB before the resize, where CLIP's pipeline does so
/// afterwards, and takes one and a half times as long as Pillow for the others (tests/Benchmarks/README.md).
/// </summary>
internal sealed unsafe partial class JpegFile
{
    private const int Block = 64;
    private const byte Scan = 0xda, End = 0xd9;

    /// <summary>
    /// The most pixels decoded, summed over scans: some twelve scans of the largest image that is read by default, and two seconds at most.
    /// </summary>
    private const long MostWork = 1L << 31;

    private static readonly byte[] ZigZag =
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];

    private readonly ushort[][] _quantization = new ushort[4][];
    private readonly JpegHuffmanTable?[] _dc = new JpegHuffmanTable?[4], _ac = new JpegHuffmanTable?[4];
    private Component[] _components = [], _scan = [];
    private int _width, _height, _restart, _mostAcross = 1, _mostDown = 1;
    private int? _adobe;
    private bool _jfif, _progressive;

    /// <param name="file">The whole file.</param>
    /// <param name="name">Its name, for errors.</param>
    /// <param name="checkSize">Refuses images that are too large.</param>
    /// <param name="whole">Whether an image of the given width and height is wanted in full; null if all are.</param>
    /// <param name="cancellationToken">Checked at every row of blocks.</param>
    /// <returns>
    /// The image; null if SkiaSharp is to decode it as libjpeg does: the file is of another form, the image is not wanted in full,
    /// coefficients are missing, or a sequential file is damaged but has its end mark.
    /// </returns>
    /// <exception cref="InvalidDataException">The file is cut short or asks for too much work, or its scans are out of order.</exception>
    internal static RasterImage? TryDecode(
        ReadOnlySpan<byte> file, string name, Action<long, long> checkSize, Func<int, int, bool>? whole = null,
            CancellationToken cancellationToken = default)
    {
        if (!file.StartsWith<byte>([0xff, 0xd8])) return null;
        var jpeg = new JpegFile();
        bool hasEnd = false, isOneScan = false;
        try
        {
            int at = 2;
            if (jpeg.ReadMarkers(file, ref at, checkSize) != Scan || !jpeg.HasKnownColours())
                return jpeg.LeftToSkia(file, at, name);
            hasEnd = file[at..].LastIndexOf<byte>([0xff, 0xd9]) >= 0;
            isOneScan = !jpeg._progressive && jpeg._scan.Length == jpeg._components.Length;
            // A file without its end mark is not left to SkiaSharp: libjpeg would make up the missing data.
            if (hasEnd && jpeg._components.Length != 4 && whole?.Invoke(jpeg._width, jpeg._height) == false)
                return jpeg.LeftToSkia(file, at, name);
            jpeg.RequireEnoughBytes(file.Length - at);
            return isOneScan ? jpeg.DecodeScan(file[at..], cancellationToken) : jpeg.DecodeScans(file, at, hasEnd, name, cancellationToken);
        }
        catch (Exception exception) when (
            exception is ArgumentOutOfRangeException or IndexOutOfRangeException or EndOfStreamException or OverflowException)
        {
            if (isOneScan && hasEnd && jpeg._components.Length != 4) return null;
            throw new InvalidDataException($"{name} is damaged: its JPEG data is cut short or out of order.", exception);
        }
    }

    /// <summary>
    /// Returns null, after checking that the file has its end mark and that libjpeg's work on it is bounded. The mark is looked for behind
    /// the markers that were read, <paramref name="read"/> bytes: a thumbnail among them has an end mark of its own.
    /// </summary>
    private RasterImage? LeftToSkia(ReadOnlySpan<byte> file, int read, string name)
    {
        if (file[read..].LastIndexOf<byte>([0xff, 0xd9]) < 0) throw new InvalidDataException(
            $"{name} is damaged: it is cut short, its end mark is missing.");
        long scans = 0;
        for (int at = 0; file[at..].IndexOf<byte>([0xff, Scan]) is >= 0 and var next; at += next + 2) scans++;
        RequireLittleWork(scans * _width * _height, name);
        return null;
    }

    /// <summary>Throws if the data is too short: every block takes at least one bit of its first scan.</summary>
    private void RequireEnoughBytes(long bytes)
    {
        long blocks = _scan.Sum(component => (long)component.OwnAcross * component.OwnDown);
        if (blocks > 8 * bytes) throw new EndOfStreamException("The data ends early.");
    }

    private static void RequireLittleWork(long pixels, string name)
    {
        if (pixels > MostWork)
        {
            throw new InvalidDataException(
                $"{name} asks for too much work: its scans have {pixels:N0} pixels, more than the {MostWork:N0} decoded. Save it anew.");
        }
    }

    /// <summary>Reads tables and headers up to the next scan.</summary>
    /// <returns>
    /// The marker it stopped at: a scan's, whose data begin at <paramref name="at"/>, or the end's; 0 if the file is of another form.
    /// </returns>
    private int ReadMarkers(ReadOnlySpan<byte> file, ref int at, Action<long, long>? checkSize)
    {
        while (at + 1 < file.Length)
        {
            if (file[at] != 0xff) return 0;
            int marker = file[at + 1];
            if (marker == 0xff)
            {
                at++;
                continue;
            }
            if (marker == End || at + 4 > file.Length) return marker == End ? End : 0;
            int length = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (length < 2) return 0;
            var body = file.Slice(at + 4, length - 2);
            at += 2 + length;
            switch (marker)
            {
                case 0xc0 or 0xc1 or 0xc2 when checkSize is null || !IsKnownFrame(body):
                case 0xc3 or (>= 0xc5 and <= 0xc7) or (>= 0xc9 and <= 0xcb) or (>= 0xcd and <= 0xcf):
                    return 0;
                case 0xc0 or 0xc1 or 0xc2:
                    _progressive = marker == 0xc2;
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
                case Scan:
                    return IsKnownScan(body) ? Scan : 0;
            }
        }
        return 0;
    }

    private bool IsKnownFrame(ReadOnlySpan<byte> body)
    {
        if (body.Length < 6 || body[0] != 8 || body.Length < 6 + 3 * body[5]) return false;
        (_height, _width) = (BinaryPrimitives.ReadUInt16BigEndian(body[1..]), BinaryPrimitives.ReadUInt16BigEndian(body[3..]));
        _components = new Component[body[5]];
        for (int c = 0; c < _components.Length; c++)
        {
            int sides = _components.Length == 1 ? 0x11 : body[7 + 3 * c];
            _components[c] =
                new Component { Id = body[6 + 3 * c], Across = sides >> 4, Down = sides & 15, Quantization = body[8 + 3 * c] & 3 };
        }
        if (_components.Length is not (1 or 3 or 4) || _width == 0 || _height == 0) return false;
        (_mostAcross, _mostDown) = (_components[0].Across, _components[0].Down);
        // libjpeg doubles rows of less than three colour samples instead of interpolating them: they are left to it, as are rare
        // subsamplings.
        bool known = (_mostAcross, _mostDown, _components.Length) switch
        {
            (1, 1, _) => _components.All(component => component is { Across: 1, Down: 1 }),
            (2, 1 or 2, 3 or 4) => _width > 4 && _components[1..3].All(component => component is { Across: 1, Down: 1 })
                && (_components.Length == 3 || (_components[3].Across, _components[3].Down) == (_mostAcross, _mostDown)),
            _ => false,
        };
        foreach (var component in known ? _components : [])
        {
            component.OwnAcross = (Share(_width, component.Across, _mostAcross) + 7) / 8;
            component.OwnDown = (Share(_height, component.Down, _mostDown) + 7) / 8;
        }
        return known;

        static int Share(int length, int part, int most) => (length * part + most - 1) / most;
    }

    /// <summary>
    /// By libjpeg's rules (jdapimin.c, default_decompress_parms): three components are YCbCr if JFIF's marker or Adobe's says so, or if
    /// their ids are 1, 2, 3; four are YCCK if Adobe's marker says so, else CMYK.
    /// </summary>
    private bool HasKnownColours() => _components.Length switch
    {
        3 => _jfif || _adobe == 1 || _adobe is null && _components is [{ Id: 1 }, { Id: 2 }, { Id: 3 }],
        4 => _adobe == 2 || _mostAcross == 1,
        _ => true,
    };

    private bool IsKnownScan(ReadOnlySpan<byte> body)
    {
        int count = body[0];
        if (_components.Length == 0 || count is < 1 or > 4 || body.Length < 4 + 2 * count) return false;
        _scan = new Component[count];
        for (int c = 0; c < count; c++)
        {
            int id = body[1 + 2 * c], tables = body[2 + 2 * c];
            if (Array.Find(_components, component => component.Id == id) is not { } component || _scan.Contains(component)) return false;
            (component.Dc, component.Ac) = (tables >> 4 & 3, tables & 3);
            _scan[c] = component;
        }
        (_first, _last, _high, _low) = (body[1 + 2 * count], body[2 + 2 * count], body[3 + 2 * count] >> 4, body[3 + 2 * count] & 15);
        if (!_progressive) return true;
        return _last < Block && _low < 14 && (_first == 0 ? _last == 0 : _first <= _last && count == 1);
    }

    private void ReadQuantization(ReadOnlySpan<byte> body)
    {
        while (body.Length > 0)
        {
            int size = body[0] >> 4 == 0 ? 1 : 2;
            var table = _quantization[body[0] & 3] = new ushort[Block];
            for (int i = 0; i < Block; i++) table[ZigZag[i]] = size == 1 ? body[1 + i]
                : BinaryPrimitives.ReadUInt16BigEndian(body[(1 + 2 * i)..]);
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

    /// <summary>Decodes a sequential file of one scan, in one pass.</summary>
    private RasterImage DecodeScan(ReadOnlySpan<byte> scan, CancellationToken cancellationToken)
    {
        RentSamples();
        try
        {
            fixed (byte* first = scan) ReadScan(new JpegBits(first, first + scan.Length), cancellationToken);
            return Place();
        }
        finally
        {
            foreach (var component in _components) ArrayPool<byte>.Shared.Return(component.Samples);
        }
    }

    private int UnitsAcross => (_width + 8 * _mostAcross - 1) / (8 * _mostAcross);

    private int UnitsDown => (_height + 8 * _mostDown - 1) / (8 * _mostDown);

    private void RentSamples()
    {
        foreach (var component in _components)
        {
            component.Stride = 8 * UnitsAcross * component.Across;
            int rows = 8 * UnitsDown * component.Down;
            component.Samples = ArrayPool<byte>.Shared.Rent(checked(component.Stride * rows + Vector512<byte>.Count));
        }
    }

    private RasterImage Place()
    {
        bool ink = _components.Length == 4;
        var image = RasterImage.Rent(_width, _height, ink ? SampleLayout.Cmyk : SampleLayout.Rgb);
        if (!ink || _adobe == 2) JpegColours.Place(
            image.Writable, _width, _height, ink ? _components[..3] : _components, _mostAcross, _mostDown);
        if (ink) PlaceInk(image.Writable, _adobe == 2 ? 3 : 0);
        return image;
    }

    private void ReadScan(JpegBits bits, CancellationToken cancellationToken)
    {
        int* coefficients = stackalloc int[Block];
        int across = UnitsAcross, down = UnitsDown;
        for (int unit = 0; unit < across * down; unit++)
        {
            if (unit % across == 0) cancellationToken.ThrowIfCancellationRequested();
            if (_restart > 0 && unit > 0 && unit % _restart == 0)
            {
                bits.Restart();
                foreach (var component in _components) component.Prediction = 0;
            }
            int row = unit / across, column = unit % across;
            foreach (var component in _scan)
                fixed (byte* samples = component.Samples)
                    for (int y = 0; y < component.Down; y++)
                        for (int x = 0; x < component.Across; x++)
                        {
                            byte* place = samples + 8 * (
                                (nint)(row * component.Down + y) * component.Stride + column * component.Across + x);
                            if (ReadBlock(ref bits, component, coefficients) == 1) InverseDct.Flat(
                                coefficients[0], place, component.Stride);
                            else InverseDct.Transform(coefficients, place, component.Stride);
                        }
            bits.RequireNoOverrun();
        }
    }

    /// <summary>Reads a block's coefficients, multiplied by their quantisation, row by row.</summary>
    /// <returns>1 if there is no coefficient but the first.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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

    /// <summary>
    /// Places ink samples inverted, as Pillow does with Adobe's marker or without. YCCK's colours were converted to RGB, which is inverted
    /// already; only its black is placed here.
    /// </summary>
    private void PlaceInk(Span<byte> target, int first)
    {
        for (int c = first; c < 4; c++)
            for (int y = 0, i = c; y < _height; y++)
                for (int x = 0; x < _width; x++, i += 4) target[i] = (byte)(_components[c].Samples[y * _components[c].Stride + x] ^ 255);
    }

    /// <summary>One of the planes that a JPEG is made of.</summary>
    internal sealed class Component
    {
        internal int Id { get; init; }

        /// <summary>Blocks side by side in a unit (MCU) of the scan.</summary>
        internal int Across { get; init; }

        /// <summary>Blocks one below the other in a unit (MCU) of the scan.</summary>
        internal int Down { get; init; }

        internal int Quantization { get; init; }

        internal int Dc { get; set; }

        internal int Ac { get; set; }

        internal int Prediction { get; set; }

        /// <summary>The plane's samples, in whole blocks: some lie past the image's edges.</summary>
        internal byte[] Samples { get; set; } = [];

        internal int Stride { get; set; }

        /// <summary>Blocks side by side that the image needs, which a scan of this plane alone has.</summary>
        internal int OwnAcross { get; set; }

        /// <summary>Blocks one below the other that the image needs.</summary>
        internal int OwnDown { get; set; }

        /// <summary>For files of several scans: every block's coefficients, before dequantisation.</summary>
        internal short[] Coefficients { get; set; } = [];

        /// <summary>How many low bits of each coefficient are still to come; −1 before the first have come.</summary>
        internal int[] Missing { get; } = [.. Enumerable.Repeat(-1, Block)];

        /// <summary>The quantisation table in force at the plane's first scan.</summary>
        internal ushort[]? Factors { get; set; }
    }
}
