using System.Runtime.Intrinsics;
using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>A layer normalisation of rows whose width is a multiple of a cache line.</summary>
internal sealed unsafe class PackedNorm : IDisposable
{
    private readonly FloatMemory _gain, _bias;
    private readonly int _width;
    private readonly float _epsilon;

    /// <param name="gain">(D).</param>
    /// <param name="bias">(D).</param>
    /// <param name="epsilon">ε.</param>
    internal PackedNorm(ReadOnlySpan<float> gain, ReadOnlySpan<float> bias, double epsilon) =>
        (_gain, _bias, _width, _epsilon) = (FloatMemory.Of(gain), FloatMemory.Of(bias), gain.Length, (float)epsilon);

    /// <summary>One of a tower's.</summary>
    internal static PackedNorm Of(ITowerWeights weights, string name, BlockShape shape) =>
        new(weights.Read($"{name}.weight", shape.Width), weights.Read($"{name}.bias", shape.Width), shape.LayerNormEpsilon);

    /// <summary>Rows of x → rows of y, which may be x.</summary>
    internal void Run(ThreadTeam.Session team, RowBuffer x, RowBuffer y, int rows) =>
        team.For((rows + Tile.Rows - 1) / Tile.Rows, share =>
        {
            for (int row = share.Unit * Tile.Rows, end = Math.Min(rows, row + Tile.Rows); row < end; row++) Row(x.Row(row), y.Row(row));
        });

    private void Row(float* x, float* y)
    {
        var sum = Vector512<float>.Zero;
        for (int i = 0; i < _width; i += Tile.Lanes) sum += Vector512.Load(x + i);
        var mean = Vector512.Create(Vector512.Sum(sum) / _width);
        var squares = Vector512<float>.Zero;
        for (int i = 0; i < _width; i += Tile.Lanes)
        {
            var d = Vector512.Load(x + i) - mean;
            squares += d * d;
        }
        float scale = 1 / MathF.Sqrt(Vector512.Sum(squares) / _width + _epsilon);
        for (int i = 0; i < _width; i += Tile.Lanes)
            ((Vector512.Load(x + i) - mean) * scale * Vector512.Load(_gain.Values + i) + Vector512.Load(_bias.Values + i)).Store(y + i);
    }

    public void Dispose()
    {
        _gain.Dispose();
        _bias.Dispose();
    }
}
