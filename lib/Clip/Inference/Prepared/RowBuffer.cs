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
        Stride = (columns + Tile.Columns - 1) / Tile.Columns * Tile.Columns + Tile.Columns + Tile.Lanes;
        _memory = new FloatMemory((long)Stride * (rows + 2 * Tile.Rows));
    }

    /// <summary>The distance between rows, in values.</summary>
    internal int Stride { get; }

    internal float* Row(int row) => _memory.Values + (nint)row * Stride;

    public void Dispose() => _memory.Dispose();
}
