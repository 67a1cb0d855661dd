using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// A <see cref="TextTransformer"/> as a <see cref="PackedTower"/>. Attention is causal, so a caption's tokens after the pooled one change
/// nothing and are left out: captions keep their own lengths, without padding.
/// </summary>
internal sealed unsafe class PackedTextTower : PackedTower
{
    private readonly TextTransformer _tower;

    internal PackedTextTower(TextTransformer tower, BlockShape shape)
        : base(tower.Transformer, shape, causal: true,
            new Affine(tower.get_parameter("ln_final.weight")!, tower.get_parameter("ln_final.bias")!),
            tower.get_parameter("text_projection"), inputs: 0) => _tower = tower;

    /// <summary>Token ids, (B, L), int64 → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">
    /// The input has another shape, or an id outside the vocabulary; the message says which.
    /// </exception>
    internal Tensor Encode(Tensor ids)
    {
        _tower.RequireIds(ids);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        int L = (int)ids.shape[1], D = _tower.Config.Width;
        long[] tokens = ids.to(int64).contiguous().data<long>().ToArray();
        if (Array.Find(tokens, id => id < 0 || id >= _tower.Config.VocabularySize) is var stranger
            && (stranger < 0 || stranger >= _tower.Config.VocabularySize))
            throw new ArgumentException($"The text tower's vocabulary has the ids 0 to {_tower.Config.VocabularySize - 1}; it was given " +
                $"{stranger}.", nameof(ids));
        int[] lengths = [.. Enumerable.Range(0, (int)ids.shape[0]).Select(row => End(tokens.AsSpan(row * L, L)) + 1)];
        // (V, D), (C, D)
        var (vocabulary, positions) = (_tower.get_parameter("token_embedding.weight")!.detach(),
            _tower.get_parameter("positional_embedding")!.detach());
        fixed (byte* vocabularyBytes = vocabulary.bytes, positionBytes = positions.bytes)
        {
            float* embeddings = (float*)vocabularyBytes, places = (float*)positionBytes;
            return Encode(lengths, last: true, (_, buffers, first, starts) =>
            {
                for (int caption = 0; caption < starts.Length - 1; caption++)
                    for (int token = 0; token < lengths[first + caption]; token++)
                    {
                        float* from = embeddings + (nint)tokens[(first + caption) * L + token] * D,
                            to = buffers.Tokens.Row(starts[caption] + token), where = places + (nint)token * D;
                        for (int i = 0; i < D; i++) to[i] = from[i] + where[i];
                    }
            }).MoveToOuterDisposeScope();
        }
    }

    /// <summary>
    /// As <see cref="TextTransformer.EndPositions"/>: the first end token, or the largest id where the configuration names none.
    /// </summary>
    private int End(ReadOnlySpan<long> row)
    {
        if (_tower.Config.EndOfTextId is { } end) return Math.Max(0, row.IndexOf((long)end));
        int largest = 0;
        for (int i = 1; i < row.Length; i++) if (row[i] > row[largest]) largest = i;
        return largest;
    }
}
