using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>A block that mixes the grid's cells by attention with heads 32 wide (FastViT's <c>AttentionBlock</c>).</summary>
internal sealed class GridAttentionBlock : Module<Tensor, Tensor>
{
    private const int HeadWidth = 32;

    [ComponentName(Name = "norm")] private readonly Module<Tensor, Tensor> _norm;
    [ComponentName(Name = "token_mixer")] private readonly Attention _attention;
    [ComponentName(Name = "layer_scale_1")] private readonly GridScale _scale1;
    [ComponentName(Name = "mlp")] private readonly GridMlp _mlp;
    [ComponentName(Name = "layer_scale_2")] private readonly GridScale _scale2;

    internal GridAttentionBlock(int width, int hidden, bool channelNorm, Device? device) : base(nameof(GridAttentionBlock))
    {
        _norm = channelNorm ? new ChannelNorm(width, 1e-5, device) : BatchNorm2d(width, device: device);
        _attention = new Attention(width, device);
        _mlp = new GridMlp(width, hidden, device);
        (_scale1, _scale2) = (new GridScale(width, device), new GridScale(width, device));
        RegisterComponents();
    }

    /// <summary>(B, C, h, w) → (B, C, h, w).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = input.Plus(_scale1.call(_attention.call(_norm.call(input))));
        return x.Plus(_scale2.call(_mlp.call(x))).MoveToOuterDisposeScope();
    }

    private sealed class Attention : Module<Tensor, Tensor>
    {
        [ComponentName(Name = "qkv")] private readonly Linear _in;
        [ComponentName(Name = "proj")] private readonly Linear _out;

        internal Attention(int width, Device? device) : base("GridAttention")
        {
            _in = Linear(width, 3 * width, hasBias: false, device: device);
            _out = Linear(width, width, device: device);
            RegisterComponents();
        }

        /// <summary>(B, C, h, w) → (B, C, h, w).</summary>
        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            long B = input.shape[0], C = input.shape[1], N = input.shape[2] * input.shape[3];
            var qkv = _in.call(input.flatten(2).transpose(1, 2)).view(B, N, 3, -1, HeadWidth).permute(2, 0, 3, 1, 4);   // (3, B, H, N, K)
            var mixed = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);                               // (B, H, N, K)
            var x = _out.call(mixed.transpose(1, 2).reshape(B, N, C));                                                 // (B, N, C)
            return x.transpose(1, 2).reshape(input.shape).MoveToOuterDisposeScope();
        }
    }
}
