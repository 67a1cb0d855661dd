using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// CoCa's attention pool: several learned queries, as wide as the shared space, attend to all tokens (OpenCLIP's <c>AttentionalPooler</c>,
/// <c>attentional_pool</c>).
/// </summary>
internal sealed class CocaPool : Module<Tensor, Tensor>
{
    [ComponentName(Name = "query")] private readonly Parameter _query;
    [ComponentName(Name = "attn")] private readonly CrossAttention _attention;
    [ComponentName(Name = "ln_q")] private readonly LayerNorm _queryNorm;
    [ComponentName(Name = "ln_k")] private readonly LayerNorm _keyNorm;

    /// <param name="config">The numbers of queries and heads.</param>
    /// <param name="width">D, the tower's width.</param>
    /// <param name="embeddingWidth">E.</param>
    /// <param name="device">Where the weights are made.</param>
    internal CocaPool(AttentionPoolConfig config, int width, int embeddingWidth, Device? device) : base(nameof(CocaPool))
    {
        _query = new Parameter(empty(config.Queries, embeddingWidth, device: device));
        init.normal_(_query, 0, 1);
        _attention = new CrossAttention(embeddingWidth, width, config.Heads, device);
        _queryNorm = LayerNorm(embeddingWidth, device: device);
        _keyNorm = LayerNorm(width, device: device);
        RegisterComponents();
    }

    /// <summary>(B, N, D) → (B, queries, E).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var queries = _queryNorm.call(_query).unsqueeze(0).expand(input.shape[0], -1, -1);      // (B, queries, E)
        return _attention.call(queries, _keyNorm.call(input)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// PyTorch's <c>nn.MultiheadAttention</c> with keys that may have another width than the queries; where the widths are equal, one
    /// matrix holds all three projections.
    /// </summary>
    private sealed class CrossAttention : Module<Tensor, Tensor, Tensor>
    {
        [ComponentName(Name = "in_proj_weight")] private readonly Parameter? _joined;
        [ComponentName(Name = "q_proj_weight")] private readonly Parameter? _q;
        [ComponentName(Name = "k_proj_weight")] private readonly Parameter? _k;
        [ComponentName(Name = "v_proj_weight")] private readonly Parameter? _v;
        [ComponentName(Name = "in_proj_bias")] private readonly Parameter _bias;
        [ComponentName(Name = "out_proj")] private readonly Linear _out;
        private readonly int _heads;

        internal CrossAttention(int width, int keyWidth, int heads, Device? device) : base(nameof(CrossAttention))
        {
            _heads = heads;
            if (width == keyWidth) _joined = Fresh(3 * width, width);
            else (_q, _k, _v) = (Fresh(width, width), Fresh(width, keyWidth), Fresh(width, keyWidth));
            _bias = new Parameter(zeros(3 * width, device: device));
            _out = Linear(width, width, device: device);
            init.zeros_(_out.bias!);
            RegisterComponents();

            Parameter Fresh(int outputs, int inputs)
            {
                var weight = new Parameter(empty(outputs, inputs, device: device));
                init.xavier_uniform_(weight);
                return weight;
            }
        }

        /// <summary>(B, M, E), (B, N, D) → (B, M, E).</summary>
        public override Tensor forward(Tensor queries, Tensor keys)
        {
            using var scope = NewDisposeScope();
            var (B, M, E) = (queries.shape[0], queries.shape[1], queries.shape[2]);
            Tensor q = Part(queries, _q, 0), k = Part(keys, _k, 1), v = Part(keys, _v, 2);                  // (B, M, E), (B, N, E)
            var mixed = functional.scaled_dot_product_attention(Heads(q), Heads(k), Heads(v));              // (B, H, M, K)
            return _out.call(mixed.transpose(1, 2).reshape(B, M, E)).MoveToOuterDisposeScope();

            Tensor Part(Tensor x, Parameter? own, int part) => functional.linear(x, own ?? _joined!.narrow(0, part * E, E),
                _bias.narrow(0, part * E, E));

            Tensor Heads(Tensor x) => x.view(B, -1, _heads, E / _heads).transpose(1, 2);
        }
    }
}
