using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// A <see cref="VisionTransformer"/> as a <see cref="PackedTower"/>: its convolution's windows do not overlap, so the patch embedding is
/// one more matrix product.
/// </summary>
internal sealed unsafe class PackedImageTower : PackedTower
{
    private readonly VisionTransformer _tower;
    private readonly PackedLinear _patches;
    private readonly PackedNorm _norm;

    internal PackedImageTower(VisionTransformer tower, BlockShape shape)
        : base(tower.Transformer, shape, causal: false,
            new Affine(tower.get_parameter("ln_post.weight")!, tower.get_parameter("ln_post.bias")!), tower.get_parameter("proj"),
            3 * tower.Config.PatchSize * tower.Config.PatchSize)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _tower = tower;
        var kernel = tower.get_parameter("conv1.weight")!.detach();                                          // (D, 3, P, P)
        _patches = new PackedLinear(kernel.reshape(kernel.shape[0], -1), null);
        _norm = new PackedNorm(new Affine(tower.get_parameter("ln_pre.weight")!, tower.get_parameter("ln_pre.bias")!),
            shape.LayerNormEpsilon);
    }

    /// <summary>Pixels, (B, 3, R, R), normalised → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    internal Tensor Encode(Tensor pixels)
    {
        Shapes.RequirePixels(pixels, _tower.Config, _tower.InterpolatePositions);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        int P = _tower.Config.PatchSize, B = (int)pixels.shape[0], height = (int)pixels.shape[2], width = (int)pixels.shape[3];
        int columns = width / P, patches = height / P * columns, D = _tower.Config.Width;
        var values = pixels.detach().to(float32).contiguous();
        var (classToken, positions) = (_tower.get_parameter("class_embedding")!.detach(),
            _tower.PositionsFor(height / P, columns)!.contiguous());   // (D), (N, D)
        fixed (byte* valueBytes = values.bytes, classBytes = classToken.bytes, positionBytes = positions.bytes)
        {
            float* image = (float*)valueBytes, first = (float*)classBytes, position = (float*)positionBytes;
            return Encode([.. Enumerable.Repeat(patches + 1, B)], last: false, (team, buffers, start, starts) =>
            {
                int count = starts.Length - 1, rows = count * patches;
                team.For(rows, share =>
                {
                    // (3, P, P) of one patch, row by row.
                    int b = start + share.Unit / patches, patch = share.Unit % patches;
                    float* to = buffers.Inputs.Row(share.Unit), corner = image + ((nint)b * 3 * height + patch / columns * P) * width +
                        patch % columns * P;
                    for (int line = 0; line < 3 * P; line++, to += P)
                        new ReadOnlySpan<float>(corner + ((nint)(line / P) * height + line % P) * width, P).CopyTo(new Span<float>(to, P));
                });
                _patches.Run(team, buffers.Inputs, buffers.Normed, rows);                                    // (count · (N - 1), D)
                team.For(starts[^1], share =>
                {
                    int token = share.Unit % (patches + 1);
                    float* from = token == 0 ? first : buffers.Normed.Row(share.Unit / (patches + 1) * patches + token - 1),
                        to = buffers.Tokens.Row(share.Unit), where = position + (nint)token * D;
                    for (int i = 0; i < D; i++) to[i] = from[i] + where[i];
                });
                _norm.Run(team, buffers.Tokens, buffers.Tokens, starts[^1]);
            }).MoveToOuterDisposeScope();
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _patches.Dispose();
        _norm.Dispose();
    }
}
