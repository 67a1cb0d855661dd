using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>Two linear layers around the non-linearity, token by token; a third where there is a gate.</summary>
internal sealed class Mlp : Module<Tensor, Tensor>
{
    [ComponentName(Name = "c_fc")] private readonly Linear _in;
    [ComponentName(Name = "c_gate")] private readonly Linear? _gate;
    [ComponentName(Name = "gelu")] private readonly Module<Tensor, Tensor> _activation;
    [ComponentName(Name = "ln")] private readonly LayerNorm? _norm;
    [ComponentName(Name = "c_proj")] private readonly Linear _out;
    private readonly MlpGate _kind;

    internal Mlp(BlockShape shape) : base(nameof(Mlp))
    {
        _kind = shape.Options.Gate;
        _in = Linear(shape.Width, shape.MlpWidth, device: shape.Device);
        if (_kind != MlpGate.None) _gate = Linear(shape.Width, shape.MlpWidth, device: shape.Device);
        _activation = _kind == MlpGate.Silu ? SiLU() : Of(shape.Activation);
        if (_kind != MlpGate.None || shape.Options.MlpNorm)
            _norm = LayerNorm(_kind == MlpGate.Gelu ? shape.Width : shape.MlpWidth, shape.LayerNormEpsilon, device: shape.Device);
        _out = Linear(shape.MlpWidth, shape.Width, device: shape.Device);
        RegisterComponents();
    }

    /// <summary>(B, N, D) → (B, N, D).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = _kind == MlpGate.Gelu ? _norm!.call(input) : input;                                                     // (B, N, D)
        var hidden = _gate is null ? _activation.call(_in.call(x)) : _activation.call(_gate.call(x)) * _in.call(x);     // (B, N, 4D)
        if (_norm is not null && _kind != MlpGate.Gelu) hidden = _norm.call(hidden);
        return _out.call(hidden).MoveToOuterDisposeScope();
    }

    internal static Module<Tensor, Tensor> Of(Activation activation) => activation switch
    {
        Activation.QuickGelu => new QuickGELU(),
        Activation.GeluTanh => GELU(TorchSharp.Modules.GELU.Approximate.tanh),
        _ => GELU(),
    };
}
