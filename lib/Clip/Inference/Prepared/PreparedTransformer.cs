using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// The blocks of a <see cref="Transformer"/> for inference only: the same mathematics, with weights that are converted to one precision and
/// laid out for the processor once, and with activation and residual fused into the products. Where one token is pooled, the last block
/// computes only what that token needs.
/// </summary>
internal sealed class PreparedTransformer : IDisposable
{
    private readonly Block[] _blocks;
    private readonly BlockShape _shape;
    private readonly bool _causal;
    private readonly ScalarType _dtype;

    /// <param name="transformer">Blocks of CLIP's own kind.</param>
    /// <param name="shape">The blocks' shape.</param>
    /// <param name="causal">Whether a token attends only to itself and earlier tokens.</param>
    /// <param name="dtype">The element type of weights and activations.</param>
    /// <param name="pools">Whether one token of the last block is wanted (<see cref="Run"/>), or all (<see cref="RunWhole"/>).</param>
    internal PreparedTransformer(Transformer transformer, BlockShape shape, bool causal, ScalarType dtype, bool pools = true)
    {
        (_shape, _causal, _dtype) = (shape, causal, dtype);
        var blocks = transformer.Blocks;
        _blocks = [.. blocks.Select((block, i) => new Block(block, shape, dtype, last: pools && i == blocks.Count - 1))];
    }

    /// <summary>Whether a tower's blocks are CLIP's own, whatever comes before and after them.</summary>
    internal static bool IsSupported(BlockShape shape) => shape.Options == BlockOptions.Clip;

    /// <summary>Tokens and the position of the pooled one in each row → that token after the last block.</summary>
    /// <param name="tokens">(B, N, D), float32.</param>
    /// <param name="positions">(B), int64; null for the first token.</param>
    /// <returns>(B, D), float32.</returns>
    internal Tensor Run(Tensor tokens, Tensor? positions)
    {
        using var scope = NewDisposeScope();
        var x = tokens.to(_dtype);                                                                   // (B, N, D)
        for (int i = 0; i < _blocks.Length - 1; i++) x = Whole(_blocks[i], x, null);
        return Last(_blocks[^1], x, positions).squeeze(1).to(float32).MoveToOuterDisposeScope();     // (B, D)
    }

    /// <summary>Tokens → all of them after the last block.</summary>
    /// <param name="tokens">(B, N, D), float32.</param>
    /// <param name="mask">(B, 1, 1, N): minus infinity for tokens that are masked out; null for causal blocks.</param>
    /// <returns>(B, N, D), float32.</returns>
    internal Tensor RunWhole(Tensor tokens, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        Tensor x = tokens.to(_dtype), y;                                                             // (B, N, D)
        var hidden = mask?.to(_dtype);
        foreach (var block in _blocks)
        {
            y = Whole(block, x, hidden);
            x.Dispose();
            x = y;
        }
        return x.to(float32).MoveToOuterDisposeScope();
    }

    private Tensor Whole(Block block, Tensor x, Tensor? hidden)
    {
        using var scope = NewDisposeScope();
        var (B, N, D) = (x.shape[0], x.shape[1], x.shape[2]);
        var qkv = block.In.Call(block.Norm1(x)).view(B, N, 3, _shape.Heads, D / _shape.Heads).permute(2, 0, 3, 1, 4);  // (3, B, H, N, K)
        var mixed = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], hidden, is_casual: _causal);       // (B, H, N, K)
        x = block.Out.CallAndAdd(Join(mixed), x);                                                                      // (B, N, D)
        return block.Down.CallAndAdd(block.Up.Call(block.Norm2(x)), x).MoveToOuterDisposeScope();
    }

    /// <summary>The last block: the pooled token attends to all tokens, and the rest is computed for it alone.</summary>
    private Tensor Last(Block block, Tensor x, Tensor? positions)
    {
        using var scope = NewDisposeScope();
        var (B, N, D) = (x.shape[0], x.shape[1], x.shape[2]);
        var normed = block.Norm1(x);                                                                                   // (B, N, D)
        var q = Heads(block.Query!.Call(Pooled(normed, positions)), 1)[0];                                             // (B, H, 1, K)
        var kv = Heads(block.In.Call(normed), 2);                                                                      // (2, B, H, N, K)
        var mask = positions is null ? null : Seen(positions, N).to(_dtype);                                           // (B, 1, 1, N)
        var mixed = functional.scaled_dot_product_attention(q, kv[0], kv[1], attn_mask: mask);                         // (B, H, 1, K)
        x = block.Out.CallAndAdd(Join(mixed), Pooled(x, positions));                                                   // (B, 1, D)
        return block.Down.CallAndAdd(block.Up.Call(block.Norm2(x)), x).MoveToOuterDisposeScope();
    }

    /// <summary>(B, N, C·D) → (C, B, H, N, K).</summary>
    private Tensor Heads(Tensor x, int count) =>
        x.view(x.shape[0], x.shape[1], count, _shape.Heads, _shape.Width / _shape.Heads).permute(2, 0, 3, 1, 4);

    /// <summary>(B, H, N, K) → (B, N, D).</summary>
    private static Tensor Join(Tensor x) => x.transpose(1, 2).reshape(x.shape[0], x.shape[2], x.shape[1] * x.shape[3]);

    /// <summary>(B, N, D) → (B, 1, D).</summary>
    private static Tensor Pooled(Tensor x, Tensor? positions) =>
        positions is null ? x.narrow(1, 0, 1).contiguous() : x.gather(1, positions.view(-1, 1, 1).expand(-1, 1, x.shape[2]));

    /// <summary>The causal mask of the pooled token: 0 up to its own position, minus infinity after it.</summary>
    private static Tensor Seen(Tensor positions, long N)
    {
        var later = Arithmetic.Count(0, N, positions.device).unsqueeze(0).gt(positions.unsqueeze(1));                  // (B, N)
        return zeros(later.shape, device: positions.device).Where(later, double.NegativeInfinity).view(-1, 1, 1, N);
    }

    public void Dispose()
    {
        foreach (var block in _blocks) block.Dispose();
    }

    /// <summary>The weights of one block; in the last block, the query's weights are separate.</summary>
    private sealed class Block : IDisposable
    {
        private readonly Tensor _gain1, _bias1, _gain2, _bias2;
        private readonly long[] _width;
        private readonly double _epsilon;

        internal Block(ResidualAttentionBlock block, BlockShape shape, ScalarType dtype, bool last)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var weights = BlockWeights.Of(block, shape);
            (_width, _epsilon) = ([shape.Width], shape.LayerNormEpsilon);
            (_gain1, _bias1, _gain2, _bias2) = (Keep(weights.Norm1.Weight), Keep(weights.Norm1.Bias), Keep(weights.Norm2.Weight),
                Keep(weights.Norm2.Bias));
            if (last) Query = Fixed(weights.In.Outputs(0, shape.Width));
            In = Fixed(last ? weights.In.Outputs(shape.Width, 2 * shape.Width) : weights.In);
            (Out, Up, Down) = (Fixed(weights.Out), Fixed(weights.Up, shape.Activation), Fixed(weights.Down));

            Tensor Keep(Tensor x) => x.to(dtype, copy: true).DetachFromDisposeScope();
            FixedLinear Fixed(Affine linear, Activation? then = null) =>
                FixedLinear.Create(linear.Weight.to(dtype), linear.Bias.to(dtype), then);
        }

        internal FixedLinear In { get; }

        internal FixedLinear? Query { get; }

        internal FixedLinear Out { get; }

        internal FixedLinear Up { get; }

        internal FixedLinear Down { get; }

        internal Tensor Norm1(Tensor x) => functional.layer_norm(x, _width, _gain1, _bias1, _epsilon);

        internal Tensor Norm2(Tensor x) => functional.layer_norm(x, _width, _gain2, _bias2, _epsilon);

        public void Dispose()
        {
            foreach (var part in new IDisposable?[] { _gain1, _bias1, _gain2, _bias2, In, Query, Out, Up, Down }) part?.Dispose();
        }
    }
}
