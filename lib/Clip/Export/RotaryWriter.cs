using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Export;

/// <summary>
/// Rotary position embedding in a graph (<see cref="RotaryTables"/>): x · cos + x R · sin, where R takes each pair (a, b) to (−b, a).
/// Tokens before the patches have the angle 0.
/// </summary>
/// <param name="Cos">(N, K).</param>
/// <param name="Sin">(N, K).</param>
/// <param name="Quarter">R, (K, K).</param>
internal sealed record RotaryWriter(OnnxValue Cos, OnnxValue Sin, OnnxValue Quarter)
{
    /// <summary>The tables of a tower's own grid.</summary>
    internal static RotaryWriter Make(OnnxGraph graph, RotaryConfig rotary, VisionConfig config)
    {
        long K = config.Width / config.Heads, before = config.Tokens - config.Grid * config.Grid;
        var tables = RotaryTables.Make(rotary, config.Grid, config.Grid, K, zeros(1));      // (patches, K) each
        float[] quarter = new float[K * K];
        for (long i = 0; i < K; i += 2) (quarter[(i + 1) * K + i], quarter[i * K + i + 1]) = (-1, 1);
        return new RotaryWriter(graph.Floats("rotary cos", cat([ones(before, K), tables.Cos], 0)),
            graph.Floats("rotary sin", cat([zeros(before, K), tables.Sin], 0)),
            graph.Floats("rotary quarter", tensor(quarter, [K, K])));
    }

    /// <summary>(B, H, N, K) → the same, rotated.</summary>
    internal OnnxValue Turn(OnnxValue x) => x * Cos + x.Times(Quarter) * Sin;
}
