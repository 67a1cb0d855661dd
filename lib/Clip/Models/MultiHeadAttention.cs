using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// Multi-head self-attention with q, k and v from one product, under the names of PyTorch's <c>nn.MultiheadAttention</c>.
/// </summary>
public sealed class MultiHeadAttention : Module<Tensor, Tensor>
{
    [ComponentName(Name = "in_proj_weight")] private readonly Parameter _inWeight;
    [ComponentName(Name = "in_proj_bias")] private readonly Parameter _inBias;
    [ComponentName(Name = "out_proj")] private readonly Linear _out;
    private readonly int _heads;
    private readonly bool _causal;

    /// <summary>Attention among tokens of one width.</summary>
    /// <param name="width">D.</param>
    /// <param name="heads">H, a divisor of D.</param>
    /// <param name="causal">Whether a token sees only itself and those before it.</param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">The heads do not divide the width.</exception>
    public MultiHeadAttention(int width, int heads, bool causal, Device? device = null) : base(nameof(MultiHeadAttention))
    {
        if (heads < 1 || width % heads != 0) throw new ArgumentException($"{heads} heads do not divide a width of {width}.");
        (_heads, _causal) = (heads, causal);
        _inWeight = new Parameter(empty(3 * width, width, device: device));
        _inBias = new Parameter(zeros(3 * width, device: device));
        init.xavier_uniform_(_inWeight);
        _out = Linear(width, width, device: device);
        init.zeros_(_out.bias!);
        RegisterComponents();
    }

    /// <summary>(B, N, D) → (B, N, D).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = Heads(input);                                                       // (B, H, N, K) each
        var mixed = functional.scaled_dot_product_attention(q, k, v, is_casual: _causal);   // (B, H, N, K)
        return Join(mixed).MoveToOuterDisposeScope();                                       // (B, N, D)
    }

    /// <summary>
    /// The same by the explicit softmax, for lessons that show where a token looks.
    /// </summary>
    /// <param name="input">(B, N, D).</param>
    /// <returns>The output, (B, N, D), and the attention weights, (B, H, N, N): row i is what token i looks at, summing to 1.</returns>
    public (Tensor Output, Tensor Weights) ForwardWithWeights(Tensor input)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = Heads(input);                                                       // (B, H, N, K) each
        var scores = q.matmul(k.transpose(-2, -1)).Times(Math.Pow(q.shape[^1], -0.5));      // (B, H, N, N)
        if (_causal)
        {
            var future = ones([scores.shape[^1], scores.shape[^1]], dtype: ScalarType.Bool, device: input.device).triu(1);
            scores = scores.Where(future, double.NegativeInfinity);
        }
        var weights = scores.softmax(-1);                                                   // (B, H, N, N)
        return (Join(weights.matmul(v)).MoveToOuterDisposeScope(), weights.MoveToOuterDisposeScope());
    }

    private (Tensor Q, Tensor K, Tensor V) Heads(Tensor x)
    {
        Shapes.Require(x, "MultiHeadAttention", "(B, N, D)", -1, -1, _inWeight.shape[1]);
        var (B, N, D) = (x.shape[0], x.shape[1], x.shape[2]);
        var qkv = functional.linear(x, _inWeight, _inBias)                                  // (B, N, 3D)
            .view(B, N, 3, _heads, D / _heads).permute(2, 0, 3, 1, 4);                      // (3, B, H, N, K)
        return (qkv[0], qkv[1], qkv[2]);
    }

    private Tensor Join(Tensor x)
    {
        var (B, N, D) = (x.shape[0], x.shape[2], x.shape[1] * x.shape[3]);
        return _out.call(x.transpose(1, 2).reshape(B, N, D));                               // (B, N, D)
    }
}
