namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// Activations, a row for each token. Rows begin on a cache line, and their distance is no power of two, so that those of a tile do not
/// fall on each other in the cache. Behind the last row and behind each row's last column there is room for what a tile reads and writes
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

    /// <summary>Values from one row's first to the next's.</summary>
    internal int Stride { get; }

    internal float* Row(int row) => _memory.Values + (nint)row * Stride;

    public void Dispose() => _memory.Dispose();
}
