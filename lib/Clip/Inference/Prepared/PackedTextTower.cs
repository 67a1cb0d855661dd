using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// A <see cref="TextTransformer"/> as a <see cref="PackedTower"/>. Attention is causal, so a caption's tokens after the pooled one change
/// nothing and are left out: captions keep their own lengths, without padding.
/// </summary>
internal sealed unsafe class PackedTextTower : PackedTower
{
    private readonly TextConfig _config;
    private readonly Func<nint> _vocabulary;
    private readonly FloatMemory _positions;

    /// <param name="weights">The tower's.</param>
    /// <param name="config">CLIP's own tower.</param>
    /// <param name="shape">Its blocks'.</param>
    /// <param name="embeddingWidth">E; null for a tower without a projection.</param>
    /// <param name="vocabulary">Where the token embeddings are, (V, D): it stays there for one forward.</param>
    /// <param name="threads">How many threads may be used.</param>
    internal PackedTextTower(ITowerWeights weights, TextConfig config, BlockShape shape, int? embeddingWidth, Func<nint> vocabulary,
        Func<int> threads)
        : base(weights, config.Layers, shape, causal: true, "ln_final", "text_projection", embeddingWidth, inputs: 0, threads)
    {
        (_config, _vocabulary) = (config, vocabulary);
        _positions = FloatMemory.Of(weights.Read("positional_embedding", config.Positions, config.Width));
    }

    /// <summary>Captions → (B, E), row by row, not normalised.</summary>
    /// <param name="ids">(B, L), row by row.</param>
    /// <param name="length">L, at most the context length.</param>
    /// <exception cref="ArgumentException">An id is outside the vocabulary; the message says which.</exception>
    internal float[] Encode(long[] ids, int length)
    {
        int D = _config.Width;
        if (Array.Find(ids, id => id < 0 || id >= _config.VocabularySize) is var stranger
            && (stranger < 0 || stranger >= _config.VocabularySize))
            throw new ArgumentException($"The text tower's vocabulary has the ids 0 to {_config.VocabularySize - 1}; it was given " +
                $"{stranger}.", nameof(ids));
        int[] lengths = [.. Enumerable.Range(0, ids.Length / length).Select(row => End(ids.AsSpan(row * length, length)) + 1)];
        float* embeddings = (float*)_vocabulary();                                                             // (V, D)
        return Encode(lengths, last: true, (_, buffers, first, starts) =>
        {
            for (int caption = 0; caption < starts.Length - 1; caption++)
                for (int token = 0; token < lengths[first + caption]; token++)
                {
                    float* from = embeddings + (nint)ids[(first + caption) * length + token] * D,
                        to = buffers.Tokens.Row(starts[caption] + token), where = _positions.Values + (nint)token * D;
                    for (int i = 0; i < D; i++) to[i] = from[i] + where[i];
                }
        });
    }

    /// <summary>
    /// As <see cref="TextTransformer.EndPositions"/>: the first end token, or the largest id where the configuration names none.
    /// </summary>
    private int End(ReadOnlySpan<long> row)
    {
        if (_config.EndOfTextId is { } end) return Math.Max(0, row.IndexOf((long)end));
        int largest = 0;
        for (int i = 1; i < row.Length; i++) if (row[i] > row[largest]) largest = i;
        return largest;
    }

    public override void Dispose()
    {
        base.Dispose();
        _positions.Dispose();
    }
}
