using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// A pre-norm transformer block: x + attention(norm(x)), then x + MLP(norm(x)) (paper, section 2.4). A <see cref="LayerScale"/> multiplies
/// each branch where the configuration asks for one. Other towers' blocks normalise elsewhere (<see cref="NormPlacement"/>).
/// </summary>
public sealed class ResidualAttentionBlock : Module<Tensor, Tensor>
{
    [ComponentName(Name = "attn")] private readonly MultiHeadAttention _attention;
    [ComponentName(Name = "ln_attn")] private readonly LayerNorm? _attentionNorm;
    [ComponentName(Name = "ln_1")] private readonly LayerNorm _ln1;
    [ComponentName(Name = "ls_1")] private readonly LayerScale? _scale1;
    [ComponentName(Name = "mlp")] private readonly Mlp _mlp;
    [ComponentName(Name = "ln_2")] private readonly LayerNorm _ln2;
    [ComponentName(Name = "ls_2")] private readonly LayerScale? _scale2;
    private readonly NormPlacement _placement;

    internal ResidualAttentionBlock(BlockShape shape, bool causal) : base(nameof(ResidualAttentionBlock))
    {
        _placement = shape.Options.Norm;
        _attention = new MultiHeadAttention(shape, causal);
        if (shape.Options.AttentionNorm) _attentionNorm = LayerNorm(shape.Width, shape.LayerNormEpsilon, device: shape.Device);
        _ln1 = LayerNorm(shape.Width, shape.LayerNormEpsilon, device: shape.Device);
        _mlp = new Mlp(shape);
        _ln2 = LayerNorm(shape.Width, shape.LayerNormEpsilon, device: shape.Device);
        if (shape.LayerScale is { } start)
            (_scale1, _scale2) = (new LayerScale(shape.Width, start, shape.Device), new LayerScale(shape.Width, start, shape.Device));
        RegisterComponents();
    }

    /// <summary>(B, N, D) → (B, N, D).</summary>
    public override Tensor forward(Tensor input) => Run(input, null);

    internal Tensor Run(Tensor input, AttentionInputs? inputs)
    {
        using var scope = NewDisposeScope();
        return Add(input, _attention.Run(AttentionInput(input), inputs)).MoveToOuterDisposeScope();
    }

    /// <summary>(B, N, D) → the same output, (B, N, D), and the attention weights, (B, H, N, N).</summary>
    public (Tensor Output, Tensor Weights) ForwardWithWeights(Tensor input) => RunWithWeights(input, null);

    internal (Tensor Output, Tensor Weights) RunWithWeights(Tensor input, AttentionInputs? inputs)
    {
        using var scope = NewDisposeScope();
        var (attended, weights) = _attention.RunWithWeights(AttentionInput(input), inputs);
        return (Add(input, attended).MoveToOuterDisposeScope(), weights.MoveToOuterDisposeScope());
    }

    private Tensor AttentionInput(Tensor x) => _placement == NormPlacement.Before ? _ln1.call(x) : x;

    private Tensor Add(Tensor input, Tensor attended)
    {
        var x = Join(input, _attentionNorm is null ? attended : _attentionNorm.call(attended), _ln1, _scale1);
        return Join(x, _mlp.call(_placement == NormPlacement.Before ? _ln2.call(x) : x), _ln2, _scale2);
    }

    private Tensor Join(Tensor x, Tensor branch, LayerNorm norm, LayerScale? scale)
    {
        if (scale is not null) branch = scale.call(branch);
        return _placement switch
        {
            NormPlacement.AfterSum => norm.call(x.Plus(branch)),
            NormPlacement.AfterBranch => x.Plus(norm.call(branch)),
            _ => x.Plus(branch),
        };
    }
}
