using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// A learned factor for each channel of a residual branch, small at first (Touvron et al. 2021, "Going deeper with Image Transformers";
/// OpenCLIP's <c>ls_init_value</c>).
/// </summary>
internal sealed class LayerScale : Module<Tensor, Tensor>
{
    [ComponentName(Name = "gamma")] private readonly Parameter _gamma;

    internal LayerScale(int width, double start, Device? device) : base(nameof(LayerScale))
    {
        _gamma = new Parameter(empty(width, device: device));
        _gamma.Fill(start);
        RegisterComponents();
    }

    /// <summary>(B, N, D) → (B, N, D).</summary>
    public override Tensor forward(Tensor input) => input * _gamma;
}
