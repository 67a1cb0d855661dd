using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// Multi-head self-attention that computes q, k and v in one product. Parameters have the names of PyTorch's <c>nn.MultiheadAttention</c>,
/// or OpenCLIP's where PyTorch has none.
/// </summary>
public sealed class MultiHeadAttention : Module<Tensor, Tensor>
{
    /// <summary>The logarithm of the largest factor of cosine attention: ln 100.</summary>
    private const double LargestScale = 4.605170185988092;

    [ComponentName(Name = "in_proj_weight")] private readonly Parameter _inWeight;
    [ComponentName(Name = "in_proj_bias")] private readonly Parameter _inBias;
    [ComponentName(Name = "ln_q")] private readonly LayerNorm? _queryNorm;
    [ComponentName(Name = "ln_k")] private readonly LayerNorm? _keyNorm;
    [ComponentName(Name = "logit_scale")] private readonly Parameter? _scale;
    [ComponentName(Name = "head_scale")] private readonly Parameter? _headScale;
    [ComponentName(Name = "ln_inner")] private readonly LayerNorm? _innerNorm;
    [ComponentName(Name = "out_proj")] private readonly Linear _out;
    private readonly int _heads;
    private readonly bool _causal;

    /// <summary>An attention layer with fresh weights.</summary>
    /// <param name="width">D.</param>
    /// <param name="heads">H, a divisor of D.</param>
    /// <param name="causal">Whether a token attends only to itself and earlier tokens.</param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">The heads do not divide the width.</exception>
    public MultiHeadAttention(int width, int heads, bool causal, Device? device = null)
        : this(new BlockShape(width, heads, width, Activation.Gelu, 1e-5) { Device = device }, causal)
    {
    }

    internal MultiHeadAttention(BlockShape shape, bool causal) : base(nameof(MultiHeadAttention))
    {
        var (width, heads, device, options) = (shape.Width, shape.Heads, shape.Device, shape.Options);
        if (heads < 1 || width % heads != 0) throw new ArgumentException($"{heads} heads do not divide a width of {width}.");
        (_heads, _causal) = (heads, causal);
        _inWeight = new Parameter(empty(3 * width, width, device: device));
        _inBias = new Parameter(zeros((options.KeyBias ? 3 : 2) * width, device: device));
        if (options.QueryKeyNorm) (_queryNorm, _keyNorm) = (Norm(width / heads), Norm(width / heads));
        if (options.CosineAttention) _scale = Filled(Math.Log(10));
        if (options.HeadScale) _headScale = Filled(1);
        if (options.InnerNorm) _innerNorm = Norm(width);
        init.xavier_uniform_(_inWeight);
        _out = Linear(width, width, device: device);
        init.zeros_(_out.bias!);
        RegisterComponents();

        LayerNorm Norm(int size) => LayerNorm(size, shape.LayerNormEpsilon, device: device);

        Parameter Filled(double value)
        {
            var parameter = new Parameter(empty(heads, 1, 1, device: device));
            parameter.Fill(value);
            return parameter;
        }
    }

    /// <summary>(B, N, D) → (B, N, 3D): what fine-tuning adds to the joint product of q, k and v; null by default.</summary>
    internal Func<Tensor, Tensor?>? Addition { get; set; }

    /// <summary>(B, N, D) → (B, N, D).</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public override Tensor forward(Tensor input) => Run(input, null);

    internal Tensor Run(Tensor input, AttentionInputs? inputs)
    {
        using var scope = NewDisposeScope();
        if (_scale is not null) return RunWithWeights(input, inputs).Output.MoveToOuterDisposeScope();
        var (q, k, v) = Heads(input, inputs?.Rotary);                                       // (B, H, N, K) each
        var mask = inputs?.Mask is { } hidden ? Seen(hidden, q) : null;
        var mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask: mask, is_casual: _causal && mask is null);   // (B, H, N, K)
        return Join(mixed).MoveToOuterDisposeScope();                                       // (B, N, D)
    }

    /// <summary>The same output, computed with an explicit softmax, for lessons that show the attention weights.</summary>
    /// <param name="input">(B, N, D).</param>
    /// <returns>
    /// The output, (B, N, D), and the attention weights, (B, H, N, N): row i holds token i's weights for all tokens and sums to 1.
    /// </returns>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public (Tensor Output, Tensor Weights) ForwardWithWeights(Tensor input) => RunWithWeights(input, null);

    internal (Tensor Output, Tensor Weights) RunWithWeights(Tensor input, AttentionInputs? inputs)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = Heads(input, inputs?.Rotary);                                       // (B, H, N, K) each
        var scores = _scale is null ? q.matmul(k.transpose(-2, -1)).Times(Math.Pow(q.shape[^1], -0.5)) : Cosines(q, k);  // (B, H, N, N)
        if (Seen(inputs?.Mask, q) is { } mask) scores = scores.Plus(mask);
        var weights = scores.softmax(-1);                                                   // (B, H, N, N)
        return (Join(weights.matmul(v)).MoveToOuterDisposeScope(), weights.MoveToOuterDisposeScope());
    }

    private Tensor Cosines(Tensor q, Tensor k)
    {
        var (from, to) = (functional.normalize(q, p: 2, dim: -1), functional.normalize(k, p: 2, dim: -1));
        return from.matmul(to.transpose(-2, -1)) * _scale!.Below(LargestScale).exp();        // (B, H, N, N)
    }

    /// <summary>The mask, plus minus infinity for later tokens where attention is causal.</summary>
    private Tensor? Seen(Tensor? mask, Tensor q)
    {
        if (!_causal) return mask;
        long N = q.shape[2];
        var future = ones([N, N], dtype: ScalarType.Bool, device: q.device).triu(1);
        var causal = zeros([N, N], dtype: q.dtype, device: q.device).Where(future, double.NegativeInfinity);   // (N, N)
        return mask is null ? causal : mask.Plus(causal);
    }

    private (Tensor Q, Tensor K, Tensor V) Heads(Tensor x, RotaryTables? rotary)
    {
        Shapes.Require(x, "MultiHeadAttention", "(B, N, D)", -1, -1, _inWeight.shape[1]);
        var (B, N, D) = (x.shape[0], x.shape[1], x.shape[2]);
        var bias = _inBias.shape[0] == 3 * D ? _inBias
            : cat([_inBias.narrow(0, 0, D), zeros_like(_inBias.narrow(0, 0, D)), _inBias.narrow(0, D, D)], 0);
        var joint = functional.linear(x, _inWeight, bias);                                  // (B, N, 3D)
        if (Addition?.Invoke(x) is { } addition) joint = joint.Plus(addition);
        var qkv = joint.view(B, N, 3, _heads, D / _heads).permute(2, 0, 3, 1, 4);           // (3, B, H, N, K)
        var (q, k, v) = (qkv[0], qkv[1], qkv[2]);
        if (_queryNorm is not null) (q, k) = (_queryNorm.call(q), _keyNorm!.call(k));
        return rotary is null ? (q, k, v) : (rotary.Turn(q), rotary.Turn(k), v);
    }

    private Tensor Join(Tensor x)
    {
        var (B, N, D) = (x.shape[0], x.shape[2], x.shape[1] * x.shape[3]);
        if (_headScale is not null) x *= _headScale;
        x = x.transpose(1, 2).reshape(B, N, D);                                             // (B, N, D)
        return _out.call(_innerNorm is null ? x : _innerNorm.call(x));
    }
}
