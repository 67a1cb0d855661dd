using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// A pre-norm transformer block: x + attention(norm(x)), then x + MLP(norm(x)) (paper, section 2.4); what is added passes a <see cref="LayerScale"/> where the configuration asks for one.
/// </summary>
public sealed class ResidualAttentionBlock : Module<Tensor, Tensor>
{
    [ComponentName(Name = "attn")] private readonly MultiHeadAttention _attention;
    [ComponentName(Name = "ln_1")] private readonly LayerNorm _ln1;
    [ComponentName(Name = "ls_1")] private readonly LayerScale? _scale1;
    [ComponentName(Name = "mlp")] private readonly Mlp _mlp;
    [ComponentName(Name = "ln_2")] private readonly LayerNorm _ln2;
    [ComponentName(Name = "ls_2")] private readonly LayerScale? _scale2;

    internal ResidualAttentionBlock(BlockShape shape, bool causal) : base(nameof(ResidualAttentionBlock))
    {
        _attention = new MultiHeadAttention(shape.Width, shape.Heads, causal, shape.Device);
        _ln1 = LayerNorm(shape.Width, shape.LayerNormEpsilon, device: shape.Device);
        _mlp = new Mlp(shape);
        _ln2 = LayerNorm(shape.Width, shape.LayerNormEpsilon, device: shape.Device);
        if (shape.LayerScale is { } start)
            (_scale1, _scale2) = (new LayerScale(shape.Width, start, shape.Device), new LayerScale(shape.Width, start, shape.Device));
        RegisterComponents();
    }

    /// <summary>(B, N, D) → (B, N, D).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return Add(input, _attention.call(_ln1.call(input))).MoveToOuterDisposeScope();
    }

    /// <summary>The same with the attention weights, (B, H, N, N).</summary>
    public (Tensor Output, Tensor Weights) ForwardWithWeights(Tensor input)
    {
        using var scope = NewDisposeScope();
        var (attended, weights) = _attention.ForwardWithWeights(_ln1.call(input));
        return (Add(input, attended).MoveToOuterDisposeScope(), weights.MoveToOuterDisposeScope());
    }

    private Tensor Add(Tensor input, Tensor attended)
    {
        var x = input.Plus(Scaled(_scale1, attended));
        return x.Plus(Scaled(_scale2, _mlp.call(_ln2.call(x))));
    }

    private static Tensor Scaled(LayerScale? scale, Tensor x) => scale is null ? x : scale.call(x);
}
