using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>A whole tower in float32 on <see cref="PackedLinear"/>s: no tensor, no libtorch. Thread-safe.</summary>
internal abstract unsafe class PackedTower : IDisposable
{
    private readonly Func<int> _threads;
    private readonly PackedTransformer _blocks;
    private readonly PackedNorm _norm;
    private readonly PackedLinear? _projection;
    private readonly BufferPool _free;

    /// <param name="weights">The tower's.</param>
    /// <param name="layers">How many blocks.</param>
    /// <param name="shape">Theirs.</param>
    /// <param name="causal">Whether a token sees those before it alone.</param>
    /// <param name="norm">The name of the pooled token's.</param>
    /// <param name="projection">That of the matrix, (D, E).</param>
    /// <param name="embeddingWidth">E; null for a tower without a projection.</param>
    /// <param name="inputs">Width of what is multiplied to become tokens; 0 for none.</param>
    /// <param name="threads">How many threads may be used, asked before each forward.</param>
    private protected PackedTower(ITowerWeights weights, int layers, BlockShape shape, bool causal, string norm, string projection,
        int? embeddingWidth, int inputs, Func<int> threads)
    {
        _threads = threads;
        _blocks = new PackedTransformer(weights, "transformer.resblocks.", layers, shape, causal, pools: true);
        _norm = PackedNorm.Of(weights, norm, shape);
        if (embeddingWidth is { } E) _projection = new PackedLinear(weights.ReadTransposed(projection, E, shape.Width), default, E);
        Width = embeddingWidth ?? shape.Width;
        _free = new BufferPool(shape, inputs, Width);
    }

    /// <summary>E, or D where the tower has no projection.</summary>
    internal int Width { get; }

    /// <summary>Encodes sequences, as many at a time as stay near a core.</summary>
    /// <param name="lengths">The tokens of each sequence.</param>
    /// <param name="last">Whether a sequence is pooled at its last token, or at its first.</param>
    /// <param name="fill">Writes the tokens of some sequences: who does it, where, the first sequence, and where each begins.</param>
    /// <returns>(sequences, E), row by row.</returns>
    private protected float[] Encode(int[] lengths, bool last, Action<ThreadTeam.Session, PackedTransformer.Buffers, int, int[]> fill)
    {
        var embeddings = new float[lengths.Length * Width];
        using var team = ThreadTeam.Begin(_threads());
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
            for (int i = 0; i < count; i++) new ReadOnlySpan<float>((_projection is null ? buffers.Normed : buffers.Outputs).Row(i), Width)
                .CopyTo(embeddings.AsSpan((first + i) * Width));
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
