using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// A <see cref="VisionTransformer"/> as a <see cref="PackedTower"/>: its convolution's windows do not overlap, so the patch embedding is
/// one more matrix product.
/// </summary>
internal sealed unsafe class PackedImageTower : PackedTower
{
    private readonly int _side, _width;
    private readonly PackedLinear _patches;
    private readonly PackedNorm _norm;
    private readonly FloatMemory _classToken;
    private readonly Func<int, int, float[]> _positions;

    /// <param name="weights">The tower's.</param>
    /// <param name="config">CLIP's own tower.</param>
    /// <param name="shape">Its blocks'.</param>
    /// <param name="embeddingWidth">E; null for a tower without a projection.</param>
    /// <param name="positions">The position embeddings, (N, D), of a grid of so many rows and columns of patches.</param>
    /// <param name="threads">How many threads may be used.</param>
    internal PackedImageTower(ITowerWeights weights, VisionConfig config, BlockShape shape, int? embeddingWidth,
        Func<int, int, float[]> positions, Func<int> threads)
        : base(weights, config.Layers, shape, causal: false, "ln_post", "proj", embeddingWidth, 3 * config.PatchSize * config.PatchSize,
            threads)
    {
        (_side, _width, _positions) = (config.PatchSize, config.Width, positions);
        _patches = new PackedLinear(weights.Read("conv1.weight", _width, 3, _side, _side), default, _width);
        _norm = PackedNorm.Of(weights, "ln_pre", shape);
        _classToken = FloatMemory.Of(weights.Read("class_embedding", _width));
    }

    /// <summary>Images → (B, E), row by row, not normalised.</summary>
    /// <param name="images">Where the B images are, each (3, height, width), normalised.</param>
    /// <param name="height">At least one patch.</param>
    /// <param name="width">At least one patch.</param>
    internal float[] Encode(nint[] images, int height, int width)
    {
        int P = _side, columns = width / P, patches = height / P * columns, D = _width;
        fixed (float* positions = _positions(height / P, columns))
        {
            var first = (nint)positions;
            return Encode([.. Enumerable.Repeat(patches + 1, images.Length)], last: false, (team, buffers, start, starts) =>
            {
                int here = starts.Length - 1, rows = here * patches;
                team.For(rows, share =>
                {
                    // (3, P, P) of one patch, row by row.
                    int patch = share.Unit % patches;
                    float* to = buffers.Inputs.Row(share.Unit), corner = (float*)images[start + share.Unit / patches] +
                        patch / columns * P * width + patch % columns * P;
                    for (int line = 0; line < 3 * P; line++, to += P)
                        new ReadOnlySpan<float>(corner + ((nint)(line / P) * height + line % P) * width, P).CopyTo(new Span<float>(to, P));
                });
                _patches.Run(team, buffers.Inputs, buffers.Normed, rows);                                    // (here · (N - 1), D)
                team.For(starts[^1], share =>
                {
                    int token = share.Unit % (patches + 1);
                    float* from = token == 0 ? _classToken.Values
                        : buffers.Normed.Row(share.Unit / (patches + 1) * patches + token - 1),
                        to = buffers.Tokens.Row(share.Unit), where = (float*)first + (nint)token * D;
                    for (int i = 0; i < D; i++) to[i] = from[i] + where[i];
                });
                _norm.Run(team, buffers.Tokens, buffers.Tokens, starts[^1]);
            });
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _patches.Dispose();
        _norm.Dispose();
        _classToken.Dispose();
    }
}
