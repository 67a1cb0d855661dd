using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// Three convolutions with windows that do not overlap, in place of a Vision Transformer's one (MobileCLIP-B; timm's <c>ConvStem</c>).
/// </summary>
internal sealed class ConvolutionStem : Module<Tensor, Tensor>
{
    [ComponentName(Name = "backbone")] private readonly Sequential _layers;

    internal ConvolutionStem(int width, Device? device) : base(nameof(ConvolutionStem))
    {
        int quarter = width / 4;
        _layers = Sequential(("0", Normed(3, quarter, 4)), ("act0", GELU()), ("1", Normed(quarter, quarter, 2)), ("act1", GELU()),
            ("2", Sequential(("conv", Conv2d(quarter, width, kernel_size: 2, stride: 2, device: device)))));
        RegisterComponents();

        Sequential Normed(int inputs, int outputs, int size) => Sequential(
            ("conv", Conv2d(inputs, outputs, kernel_size: size, stride: size, bias: false, device: device)),
                ("bn", BatchNorm2d(outputs, device: device)));
    }

    /// <summary>(B, 3, R, R) → (B, D, R / 16, R / 16).</summary>
    public override Tensor forward(Tensor input) => _layers.call(input);
}
