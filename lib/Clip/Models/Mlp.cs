using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>Two linear layers around the non-linearity, token by token.</summary>
internal sealed class Mlp : Module<Tensor, Tensor>
{
    [ComponentName(Name = "c_fc")] private readonly Linear _in;
    [ComponentName(Name = "gelu")] private readonly Module<Tensor, Tensor> _activation;
    [ComponentName(Name = "c_proj")] private readonly Linear _out;

    internal Mlp(BlockShape shape) : base(nameof(Mlp))
    {
        _in = Linear(shape.Width, shape.MlpWidth, device: shape.Device);
        _activation = shape.Activation switch
        {
            Activation.QuickGelu => new QuickGELU(),
            Activation.GeluTanh => GELU(TorchSharp.Modules.GELU.Approximate.tanh),
            _ => GELU(),
        };
        _out = Linear(shape.MlpWidth, shape.Width, device: shape.Device);
        RegisterComponents();
    }

    /// <summary>(B, N, D) → (B, N, D).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _out.call(_activation.call(_in.call(input))).MoveToOuterDisposeScope();
    }
}
