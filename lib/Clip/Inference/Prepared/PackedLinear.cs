using System.Runtime.Intrinsics;
using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// A float32 linear layer for processors with AVX-512 or AVX2: x → f(x·Wᵀ + b), or y + x·Wᵀ + b. Its weights are stored in panels of a
/// tile's columns, in the order in which <see cref="Tile"/> reads them. A core works on one panel at a time and prefetches the next
/// meanwhile: with an image's 50 rows, reading the weights takes a third as long as multiplying with them, and a library that begins to
/// read them when it needs them waits that long (tests/Benchmarks/README.md).
/// </summary>
internal sealed unsafe class PackedLinear : IDisposable
{
    /// <summary>
    /// How much of a panel's inner dimension is multiplied at a time: together with the part prefetched next, it takes 200 kB of a core's
    /// L2 cache with AVX-512, 100 kB with AVX2.
    /// </summary>
    private const int Depth = 768;

    private readonly FloatMemory _weights, _bias;
    private readonly Activation? _then;
    private readonly int _inner, _panels;

    /// <param name="weight">(O, I), row by row.</param>
    /// <param name="bias">(O); empty for zeros.</param>
    /// <param name="outputs">O.</param>
    /// <param name="then">
    /// f; null for the identity. <see cref="Activation.QuickGelu"/> stands for x · sigmoid(x): its factor is in the weights
    /// (<see cref="BlockWeights"/>).
    /// </param>
    /// <param name="weightFactor">Multiplies the weights.</param>
    /// <param name="biasFactor">Multiplies the bias.</param>
    /// <param name="scale">(O), multiplies each output's weights and bias; empty for none.</param>
    internal PackedLinear(ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, int outputs, Activation? then = null,
        float weightFactor = 1, float biasFactor = 1, ReadOnlySpan<float> scale = default)
    {
        (_then, _inner, Outputs) = (then, weight.Length / outputs, outputs);
        _panels = (Outputs + Tile.Columns - 1) / Tile.Columns;
        _weights = new FloatMemory((long)_panels * _inner * Tile.Columns, zero: false);
        _bias = new FloatMemory(_panels * Tile.Columns);
        for (int o = 0; o < bias.Length; o++) _bias.Values[o] = bias[o] * biasFactor * (scale.IsEmpty ? 1 : scale[o]);
        fixed (float* rows = weight, scales = scale)
        {
            var (first, factors) = ((nint)rows, (nint)scales);
            Parallel.For(0, _panels, panel =>
            {
                int columns = Math.Min(Tile.Columns, Outputs - panel * Tile.Columns);
                float* from = (float*)first + (nint)panel * Tile.Columns * _inner, to = Panel(panel),
                    factor = stackalloc float[Tile.Columns];
                if (columns < Tile.Columns) new Span<float>(to, _inner * Tile.Columns).Clear();
                for (int column = 0; column < columns; column++)
                    factor[column] = factors == 0 ? 1 : ((float*)factors)[panel * Tile.Columns + column];
                for (int k = 0; k < _inner; k++, from++, to += Tile.Columns)
                    for (int column = 0; column < columns; column++)
                        to[column] = from[(nint)column * _inner] * weightFactor * factor[column];
            });
        }
    }

    /// <summary>O.</summary>
    internal int Outputs { get; }

    /// <summary>Rows of x → rows of y; rows of y up to the next multiple of a tile's are overwritten.</summary>
    /// <param name="team">The threads.</param>
    /// <param name="x">(rows, I).</param>
    /// <param name="y">(rows, O).</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="add">Whether the former values of y are added.</param>
    /// <param name="follower">The product that comes next: the first of its weights are prefetched.</param>
    internal void Run(ThreadTeam.Session team, RowBuffer x, RowBuffer y, int rows, bool add = false, PackedLinear? follower = null)
    {
        int tiles = (rows + Tile.Rows - 1) / Tile.Rows, aheadStep = (Tile.StepBytes + tiles - 1) / tiles;
        team.For(_panels, share =>
        {
            int column = share.Unit * Tile.Columns;
            float* panel = Panel(share.Unit), after = share.Next < _panels ? Panel(share.Next) : follower is null ? panel
                : follower.Panel((share.Next - _panels) % follower._panels);
            for (int start = 0; start < _inner; start += Depth)
            {
                int depth = Math.Min(Depth, _inner - start);
                float* weights = panel + (nint)start * Tile.Columns;
                byte* ahead = (byte*)(start + depth < _inner ? weights + (nint)depth * Tile.Columns : after);
                for (int tile = 0; tile < tiles; tile++, ahead += aheadStep * depth)
                    Tile.Multiply(x.Row(tile * Tile.Rows) + start, x.Stride, weights, Tile.Columns, depth, y.Row(tile * Tile.Rows) + column,
                        y.Stride, start == 0 ? _bias.Values + column : null, add || start > 0, ahead, aheadStep);
            }
            if (_then is not { } activation) return;
            for (int row = 0; row < rows; row++)
                for (float* value = y.Row(row) + column, end = value + Tile.Columns; value < end; value += Tile.Lanes) VectorMath.Activate(
                    Vector512.Load(value), activation).Store(value);
        });
    }

    public void Dispose()
    {
        _weights.Dispose();
        _bias.Dispose();
    }

    private float* Panel(int panel) => _weights.Values + (nint)panel * _inner * Tile.Columns;
}
