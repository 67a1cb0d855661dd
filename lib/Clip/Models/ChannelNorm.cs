using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>Layer normalisation over the channels at each position of a grid (timm's <c>LayerNorm2d</c>).</summary>
internal sealed class ChannelNorm : Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    [ComponentName(Name = "bias")] private readonly Parameter _bias;
    private readonly double _epsilon;

    internal ChannelNorm(int channels, double epsilon, Device? device) : base(nameof(ChannelNorm))
    {
        _epsilon = epsilon;
        _weight = new Parameter(ones(channels, device: device));
        _bias = new Parameter(zeros(channels, device: device));
        RegisterComponents();
    }

    /// <summary>(B, C, h, w) → (B, C, h, w).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return functional.layer_norm(input.permute(0, 2, 3, 1), [input.shape[1]], _weight, _bias, _epsilon).permute(0, 3, 1,
            2).MoveToOuterDisposeScope();
    }
}
