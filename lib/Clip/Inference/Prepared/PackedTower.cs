using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// A whole tower in float32 on <see cref="PackedLinear"/>s: libtorch only holds what goes in and what comes out. Thread-safe.
/// </summary>
internal abstract unsafe class PackedTower : IDisposable
{
    /// <summary>Tokens at a time: four images of ViT-B/32 (tests/Benchmarks/README.md).</summary>
    private const int TokensAtATime = 200;

    private readonly BlockShape _shape;
    private readonly int _inputs;
    private readonly PackedTransformer _blocks;
    private readonly PackedNorm _norm;
    private readonly PackedLinear? _projection;
    private readonly ConcurrentBag<PackedTransformer.Buffers> _free = [];

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
        (_shape, _inputs, _blocks, _norm) = (shape, inputs, new PackedTransformer(transformer, shape, causal),
            new PackedNorm(norm, shape.LayerNormEpsilon));
        if (projection is not null) _projection = new PackedLinear(projection.detach().t(), null);
    }

    /// <summary>Encodes sequences, as many at a time as stay near a core.</summary>
    /// <param name="lengths">The tokens of each sequence.</param>
    /// <param name="last">Whether a sequence is pooled at its last token, or at its first.</param>
    /// <param name="fill">Writes the tokens of some sequences: who does it, where, the first sequence, and where each begins.</param>
    /// <returns>(sequences, E), float32.</returns>
    private protected Tensor Encode(int[] lengths, bool last, Action<ThreadTeam.Session, PackedTransformer.Buffers, int, int[]> fill)
    {
        int width = _projection?.Outputs ?? _shape.Width;
        var embeddings = empty([lengths.Length, width], float32);
        using var team = ThreadTeam.Begin();
        for (int first = 0, next; first < lengths.Length; first = next)
        {
            int tokens = lengths[first];
            for (next = first + 1; next < lengths.Length && tokens + lengths[next] <= TokensAtATime; next++) tokens += lengths[next];
            var starts = new int[next - first + 1];
            for (int i = first; i < next; i++) starts[i - first + 1] = starts[i - first] + lengths[i];
            int[] pooled = [.. Enumerable.Range(0, next - first).Select(i => last ? starts[i + 1] - 1 : starts[i])];

            var buffers = Rent(tokens, next - first, lengths[first..next].Max());
            fill(team, buffers, first, starts);
            _blocks.Run(team, buffers, starts, pooled);
            _norm.Run(team, buffers.Pooled, buffers.Normed, pooled.Length);
            _projection?.Run(team, buffers.Normed, buffers.Outputs, pooled.Length);
            var result = MemoryMarshal.Cast<byte, float>(embeddings.bytes);
            for (int i = first; i < next; i++) new ReadOnlySpan<float>(
                (_projection is null ? buffers.Normed : buffers.Outputs).Row(i - first), width).CopyTo(result[(i * width)..]);
            _free.Add(buffers);
        }
        return embeddings;
    }

    private PackedTransformer.Buffers Rent(int tokens, int sequences, int longest)
    {
        while (_free.TryTake(out var buffers))
        {
            if (buffers.Fits(tokens, sequences, longest)) return buffers;
            buffers.Dispose();
        }
        return new PackedTransformer.Buffers(_shape, _inputs, _projection?.Outputs ?? _shape.Width, tokens, sequences, longest);
    }

    public virtual void Dispose()
    {
        _blocks.Dispose();
        _norm.Dispose();
        _projection?.Dispose();
        foreach (var buffers in _free) buffers.Dispose();
    }
}
