namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// Activations, a row for each token. Each row begins on a cache line, and the stride is no power of two, so that the rows of a tile do not
/// compete for the same cache lines. After the last row and after each row's last column there is room for what a tile reads and writes
/// beyond them (<see cref="Tile"/>).
/// </summary>
internal sealed unsafe class RowBuffer : IDisposable
{
    private readonly FloatMemory _memory;

    internal RowBuffer(int rows, int columns)
    {
        Stride = StrideOf(columns, Tile.Columns);
        _memory = new FloatMemory((long)Stride * (rows + 2 * Tile.Rows));
    }

    /// <summary>The distance between rows, in values.</summary>
    internal int Stride { get; }

    /// <summary>
    /// The stride for rows of a width, with tiles of a width: whole cache lines. With AVX2's tiles, which are one line wide, the sum may be
    /// a power of two (512 for 480 columns), and one line more is taken.
    /// </summary>
    internal static int StrideOf(int columns, int tile)
    {
        int stride = (columns + tile - 1) / tile * tile + tile + Tile.Lanes;
        return int.IsPow2(stride) ? stride + Tile.Lanes : stride;
    }

    internal float* Row(int row) => _memory.Values + (nint)row * Stride;

    public void Dispose() => _memory.Dispose();
}
