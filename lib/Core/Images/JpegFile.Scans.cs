using System.Buffers;

namespace ClipNotebooks.Core.Images;

// Files of several scans: progressive ones (ITU-T T.81, annex G), whose scans add bits and coefficients, and sequential ones with one scan
// per plane.
internal sealed unsafe partial class JpegFile
{
    private int _first, _last, _high, _low, _run;

    private RasterImage? DecodeScans(ReadOnlySpan<byte> file, int at, bool hasEnd, string name, CancellationToken cancellationToken)
    {
        foreach (var component in _components)
        {
            int length = checked(Block * UnitsAcross * component.Across * UnitsDown * component.Down);
            component.Coefficients = ArrayPool<short>.Shared.Rent(length);
            component.Coefficients.AsSpan(0, length).Clear();
        }
        try
        {
            long work = 0;
            int marker = Scan;
            for (; marker == Scan; marker = ReadMarkers(file, ref at, null))
            {
                work += _scan.Sum(component => (long)component.OwnAcross * component.OwnDown * Block);
                RequireLittleWork(work, name);
                foreach (var component in _scan) component.Factors ??= _quantization[component.Quantization];
                fixed (byte* start = file)
                {
                    var bits = new JpegBits(start + at, start + file.Length);
                    ReadBlocks(ref bits, cancellationToken);
                    at = (int)(bits.Position - start);
                }
                while (at + 1 < file.Length && (file[at] != 0xff || file[at + 1] is 0 or 0xff or (>= 0xd0 and <= 0xd7))) at++;
            }
            if (_components.All(component => component.Missing.All(missing => missing == 0))) return Transform(cancellationToken);
            // libjpeg smooths where coefficients are missing, so the file is left to it.
            if (marker == End && _components.All(component => component.Missing[0] >= 0)) return null;
            throw new EndOfStreamException(hasEnd ? "A scan is missing." : "The data ends early.");
        }
        finally
        {
            foreach (var component in _components) ArrayPool<short>.Shared.Return(component.Coefficients);
        }
    }

    private RasterImage Transform(CancellationToken cancellationToken)
    {
        int* block = stackalloc int[Block];
        RentSamples();
        try
        {
            foreach (var component in _components)
            {
                var factors = component.Factors ?? throw new EndOfStreamException("A table is missing.");
                int across = component.Stride / 8, down = UnitsDown * component.Down;
                fixed (byte* samples = component.Samples)
                    for (int y = 0; y < down; y++)
                    {
                        cancellationToken.ThrowIfCancellationRequested();
                        for (int x = 0; x < across; x++)
                        {
                            var coefficients = component.Coefficients.AsSpan(Block * (y * across + x), Block);
                            for (int i = 0; i < Block; i++) block[i] = coefficients[i] * factors[i];
                            byte* place = samples + 8 * ((nint)y * component.Stride + x);
                            if (coefficients[1..].ContainsAnyExcept((short)0)) InverseDct.Transform(block, place, component.Stride);
                            else InverseDct.Flat(block[0], place, component.Stride);
                        }
                    }
            }
            return Place();
        }
        finally
        {
            foreach (var component in _components) ArrayPool<byte>.Shared.Return(component.Samples);
        }
    }

    private void ReadBlocks(ref JpegBits bits, CancellationToken cancellationToken)
    {
        bool isAlone = _scan.Length == 1;
        int across = isAlone ? _scan[0].OwnAcross : UnitsAcross, down = isAlone ? _scan[0].OwnDown : UnitsDown;
        foreach (var component in _scan)
        {
            component.Prediction = 0;
            if (!_progressive) Array.Clear(component.Missing);
            else
            {
                for (int k = _first; k <= _last; k++)
                {
                    if (_high == 0 ? component.Missing[k] >= 0
                        : component.Missing[k] != _high || _low != _high - 1) throw new EndOfStreamException("The scans are out of order.");
                    component.Missing[k] = _low;
                }
            }
        }
        _run = 0;
        for (int unit = 0; unit < across * down; unit++)
        {
            if (unit % across == 0) cancellationToken.ThrowIfCancellationRequested();
            if (_restart > 0 && unit > 0 && unit % _restart == 0)
            {
                bits.Restart();
                foreach (var component in _scan) component.Prediction = 0;
                _run = 0;
            }
            int row = unit / across, column = unit % across;
            foreach (var component in _scan)
            {
                int stride = UnitsAcross * component.Across, high = isAlone ? 1 : component.Down, wide = isAlone ? 1 : component.Across;
                for (int y = 0; y < high; y++)
                    for (int x = 0; x < wide; x++)
                        ReadBlock(ref bits, component,
                            component.Coefficients.AsSpan(Block * ((row * high + y) * stride + column * wide + x), Block));
            }
        }
        bits.RequireNoOverrun();
    }

    /// <summary>Reads a scan's part of a block; coefficients are stored row by row.</summary>
    private void ReadBlock(ref JpegBits bits, Component component, Span<short> block)
    {
        int k = _progressive ? _first : 0, last = _progressive ? _last : Block - 1, low = _progressive ? _low : 0;
        if (k == 0)
        {
            if (_progressive && _high > 0)
            {
                block[0] |= (short)(bits.Take(1) << low);
                return;
            }
            component.Prediction += bits.Signed(bits.Symbol(Table(_dc[component.Dc])));
            block[0] = (short)(component.Prediction << low);
            k = 1;
        }
        if (k > last) return;
        if (_progressive && _high > 0) Refine(ref bits, Table(_ac[component.Ac]), block);
        else if (_run > 0) _run--;
        else
        {
            for (var ac = Table(_ac[component.Ac]); k <= last; k++)
            {
                int symbol = bits.Symbol(ac), zeros = symbol >> 4, size = symbol & 15;
                if (size == 0 && zeros < 15)
                {
                    _run = (1 << zeros) - 1 + bits.Take(zeros);
                    if (!_progressive && _run > 0) throw new EndOfStreamException("A code that sequential files do not have.");
                    return;
                }
                k += zeros;
                if (size > 0) block[ZigZag[k]] = (short)(bits.Signed(size) << low);
            }
        }
    }

    /// <summary>Adds one bit to the coefficients that are not 0, and reads those that begin with this bit.</summary>
    private void Refine(ref JpegBits bits, JpegHuffmanTable ac, Span<short> block)
    {
        int k = _first;
        for (; _run == 0 && k <= _last; k++)
        {
            int symbol = bits.Symbol(ac), zeros = symbol >> 4, size = symbol & 15, value = 0;
            if (size > 0) value = bits.Take(1) == 1 ? 1 << _low : -1 << _low;
            else if (zeros < 15)
            {
                _run = (1 << zeros) + bits.Take(zeros);
                break;
            }
            for (; k <= _last; k++)
            {
                ref short coefficient = ref block[ZigZag[k]];
                if (coefficient != 0) AddBit(ref bits, ref coefficient);
                else if (zeros-- == 0) break;
            }
            if (value != 0) block[ZigZag[k]] = (short)value; // past the end where the data is damaged
        }
        if (_run == 0) return;
        for (; k <= _last; k++)
            if (block[ZigZag[k]] != 0) AddBit(ref bits, ref block[ZigZag[k]]);
        _run--;
    }

    private void AddBit(ref JpegBits bits, ref short coefficient)
    {
        if (bits.Take(1) == 1) coefficient += (short)(coefficient > 0 ? 1 << _low : -1 << _low);
    }

    private static JpegHuffmanTable Table(JpegHuffmanTable? table) => table ?? throw new EndOfStreamException("A table is missing.");
}
