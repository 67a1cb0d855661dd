using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// Multiplies each channel by a weight from 0 to 1, computed from the means of all channels (Hu et al. 2018, "Squeeze-and-Excitation
/// Networks").
/// </summary>
internal sealed class SqueezeExcitation : Module<Tensor, Tensor>
{
    [ComponentName(Name = "fc1")] private readonly Conv2d _in;
    [ComponentName(Name = "fc2")] private readonly Conv2d _out;

    internal SqueezeExcitation(int channels, int hidden, Device? device) : base(nameof(SqueezeExcitation))
    {
        _in = Conv2d(channels, hidden, kernel_size: 1, device: device);
        _out = Conv2d(hidden, channels, kernel_size: 1, device: device);
        RegisterComponents();
    }

    /// <summary>(B, C, h, w) → (B, C, h, w).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var means = input.mean([2, 3], keepdim: true);                                      // (B, C, 1, 1)
        return (input * _out.call(functional.relu(_in.call(means))).sigmoid()).MoveToOuterDisposeScope();
    }
}
