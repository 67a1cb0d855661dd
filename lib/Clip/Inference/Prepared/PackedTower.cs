using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// A whole tower in float32 on <see cref="PackedLinear"/>s: libtorch only holds what goes in and what comes out. Thread-safe.
/// </summary>
internal abstract unsafe class PackedTower : IDisposable
{
    private readonly int _width;
    private readonly PackedTransformer _blocks;
    private readonly PackedNorm _norm;
    private readonly PackedLinear? _projection;
    private readonly BufferPool _free;

    /// <param name="transformer">The blocks.</param>
    /// <param name="shape">Theirs.</param>
    /// <param name="causal">Whether a token sees those before it alone.</param>
    /// <param name="norm">Of the pooled token.</param>
    /// <param name="projection">(D, E), or none.</param>
    /// <param name="inputs">Width of what is multiplied to become tokens; 0 for none.</param>
    private protected PackedTower(Transformer transformer, BlockShape shape, bool causal, Affine norm, Tensor? projection, int inputs)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        (_blocks, _norm) = (new PackedTransformer(transformer, shape, causal, pools: true), new PackedNorm(norm, shape.LayerNormEpsilon));
        if (projection is not null) _projection = new PackedLinear(projection.detach().t(), null);
        _width = _projection?.Outputs ?? shape.Width;
        _free = new BufferPool(shape, inputs, _width);
    }

    /// <summary>Encodes sequences, as many at a time as stay near a core.</summary>
    /// <param name="lengths">The tokens of each sequence.</param>
    /// <param name="last">Whether a sequence is pooled at its last token, or at its first.</param>
    /// <param name="fill">Writes the tokens of some sequences: who does it, where, the first sequence, and where each begins.</param>
    /// <returns>(sequences, E), float32.</returns>
    private protected Tensor Encode(int[] lengths, bool last, Action<ThreadTeam.Session, PackedTransformer.Buffers, int, int[]> fill)
    {
        var embeddings = empty([lengths.Length, _width], float32);
        using var team = ThreadTeam.Begin();
        for (int first = 0, count; first < lengths.Length; first += count)
        {
            int[] starts = PackedTransformer.Starts(lengths, first);
            count = starts.Length - 1;
            int[] pooled = [.. Enumerable.Range(0, count).Select(i => last ? starts[i + 1] - 1 : starts[i])];

            var buffers = _free.Rent(starts);
            fill(team, buffers, first, starts);
            _blocks.Run(team, buffers, starts, pooled);
            _norm.Run(team, buffers.Pooled, buffers.Normed, count);
            _projection?.Run(team, buffers.Normed, buffers.Outputs, count);
            var result = MemoryMarshal.Cast<byte, float>(embeddings.bytes);
            for (int i = 0; i < count; i++) new ReadOnlySpan<float>(
                (_projection is null ? buffers.Normed : buffers.Outputs).Row(i), _width).CopyTo(result[((first + i) * _width)..]);
            _free.Return(buffers);
        }
        return embeddings;
    }

    public virtual void Dispose()
    {
        _blocks.Dispose();
        _norm.Dispose();
        _projection?.Dispose();
        _free.Dispose();
    }
}
