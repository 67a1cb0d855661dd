using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>A <see cref="LayerScale"/> for grids: a learned factor for each channel of a residual branch, 1e-5 at first.</summary>
internal sealed class GridScale : Module<Tensor, Tensor>
{
    [ComponentName(Name = "gamma")] private readonly Parameter _gamma;

    internal GridScale(int channels, Device? device) : base(nameof(GridScale))
    {
        _gamma = new Parameter(empty(channels, 1, 1, device: device));
        _gamma.Fill(1e-5);
        RegisterComponents();
    }

    /// <summary>(B, C, h, w) → (B, C, h, w).</summary>
    public override Tensor forward(Tensor input) => input * _gamma;
}
