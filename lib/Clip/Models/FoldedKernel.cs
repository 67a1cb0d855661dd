using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>A convolution's kernel, (O, I / groups, k, k), and its bias, (O); the tensors belong to the caller's dispose scope.</summary>
internal readonly record struct FoldedKernel(Tensor Weight, Tensor Bias)
{
    /// <summary>What batch normalisation adds to the variance (PyTorch's default).</summary>
    private const double Epsilon = 1e-5;

    /// <summary>Folds a convolution without a bias and the batch normalisation after it.</summary>
    /// <param name="module">The module that holds both, under <c>conv</c> and <c>bn</c>.</param>
    /// <param name="prefix">The prefix of these two names.</param>
    internal static FoldedKernel Of(Module module, string prefix = "")
    {
        var values = module.state_dict();
        var (factor, bias) = Normalisation(values, $"{prefix}bn.");
        return new FoldedKernel(values[$"{prefix}conv.weight"].detach() * factor.view(-1, 1, 1, 1), bias);
    }

    /// <summary>Folds a batch normalisation alone into a 1 × 1 convolution that scales and shifts each channel.</summary>
    internal static FoldedKernel Of(TorchSharp.Modules.BatchNorm2d norm, bool depthwise)
    {
        var (factor, bias) = Normalisation(norm.state_dict(), "");
        return new FoldedKernel((depthwise ? factor.unsqueeze(1) : factor.diag()).unsqueeze(-1).unsqueeze(-1), bias);
    }

    /// <summary>This kernel, padded with zeros to a larger window.</summary>
    internal FoldedKernel Padded(long size)
    {
        long around = (size - Weight.shape[^1]) / 2;
        return around == 0 ? this : this with { Weight = functional.pad(Weight, [around, around, around, around]) };
    }

    /// <summary>The sum of two branches.</summary>
    internal FoldedKernel Plus(FoldedKernel other) => new(Weight.Plus(other.Weight), Bias.Plus(other.Bias));

    /// <summary>The difference of two branches.</summary>
    internal FoldedKernel Minus(FoldedKernel other) => new(Weight.Minus(other.Weight), Bias.Minus(other.Bias));

    /// <summary>This kernel and bias, with each output multiplied by its factor.</summary>
    internal FoldedKernel Times(Tensor factors) => new(Weight * factors.view(-1, 1, 1, 1), Bias * factors.view(-1));

    private static (Tensor Factor, Tensor Bias) Normalisation(Dictionary<string, Tensor> values, string prefix)
    {
        var factor = values[$"{prefix}weight"].detach() * values[$"{prefix}running_var"].Plus(Epsilon).rsqrt();
        return (factor, values[$"{prefix}bias"].detach().Minus(values[$"{prefix}running_mean"] * factor));
    }
}
