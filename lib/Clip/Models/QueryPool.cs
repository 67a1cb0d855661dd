using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// The attention pool of SigLIP and PE-Core: one learned query attends to all tokens, and the result passes a residual MLP (Hugging Face's
/// <c>SiglipMultiheadAttentionPoolingHead</c>, timm's <c>AttentionPoolLatent</c>).
/// </summary>
internal sealed class QueryPool : Module<Tensor, Tensor>
{
    [ComponentName(Name = "probe")] private readonly Parameter _probe;
    [ComponentName(Name = "in_proj_weight")] private readonly Parameter _inWeight;
    [ComponentName(Name = "in_proj_bias")] private readonly Parameter _inBias;
    [ComponentName(Name = "out_proj")] private readonly Linear _out;
    [ComponentName(Name = "ln")] private readonly LayerNorm _norm;
    [ComponentName(Name = "mlp")] private readonly Mlp _mlp;
    private readonly int _heads;

    /// <param name="shape">The shape of the tower's blocks, with the pool's own heads and hidden width.</param>
    internal QueryPool(BlockShape shape) : base(nameof(QueryPool))
    {
        var (width, device) = (shape.Width, shape.Device);
        _heads = shape.Heads;
        _probe = new Parameter(empty(1, 1, width, device: device));
        _inWeight = new Parameter(empty(3 * width, width, device: device));
        _inBias = new Parameter(zeros(3 * width, device: device));
        _out = Linear(width, width, device: device);
        _norm = LayerNorm(width, shape.LayerNormEpsilon, device: device);
        _mlp = new Mlp(shape);
        init.xavier_uniform_(_probe);
        init.xavier_uniform_(_inWeight);
        init.zeros_(_out.bias!);
        RegisterComponents();
    }

    /// <summary>(B, N, D) → (B, D).</summary>
    public override Tensor forward(Tensor input) => Run(input, null);

    /// <param name="input">(B, N, D).</param>
    /// <param name="mask">(B, 1, 1, N): minus infinity for tokens that are masked out.</param>
    internal Tensor Run(Tensor input, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        long D = _inWeight.shape[1];
        var q = functional.linear(_probe, _inWeight.narrow(0, 0, D), _inBias.narrow(0, 0, D)).expand(input.shape[0], 1, D);     // (B, 1, D)
        var kv = functional.linear(input, _inWeight.narrow(0, D, 2 * D), _inBias.narrow(0, D, 2 * D));  // (B, N, 2D)
        var mixed = functional.scaled_dot_product_attention(Heads(q), Heads(kv.narrow(2, 0, D)), Heads(kv.narrow(2, D, D)),
            attn_mask: mask); // (B, H, 1, K)
        var x = _out.call(mixed.flatten(1));                                                                                    // (B, D)
        return x.Plus(_mlp.call(_norm.call(x))).MoveToOuterDisposeScope();
    }

    private Tensor Heads(Tensor x) => x.reshape(x.shape[0], x.shape[1], _heads, -1).transpose(1, 2); // (B, H, N, K)
}
