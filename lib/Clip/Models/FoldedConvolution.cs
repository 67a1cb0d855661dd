using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>A convolution with a bias that replaces several branches and their batch normalisations (<see cref="IFoldable"/>).</summary>
internal sealed class FoldedConvolution : Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    [ComponentName(Name = "bias")] private readonly Parameter _bias;
    private readonly long _stride, _groups;

    /// <param name="kernel">The weight, (O, I / groups, k, k), and bias, (O); copied, so the tensors stay the caller's.</param>
    /// <param name="stride">The stride; the input is padded by half the size of the window.</param>
    /// <param name="groups">1, or the number of inputs for a depthwise convolution.</param>
    internal FoldedConvolution(FoldedKernel kernel, long stride, long groups) : base(nameof(FoldedConvolution))
    {
        (_weight, _bias, _stride, _groups) = (Kept(kernel.Weight), Kept(kernel.Bias), stride, groups);
        RegisterComponents();
    }

    /// <summary>A copy that outlives the scope in which the kernel was made.</summary>
    private static Parameter Kept(Tensor x)
    {
        var parameter = new Parameter(x.detach().clone(), false);
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    /// <summary>(B, I, h, w) → (B, O, h / stride, w / stride).</summary>
    public override Tensor forward(Tensor input)
    {
        long around = _weight.shape[^1] / 2;
        return functional.conv2d(
            input, _weight, _bias, strides: [_stride, _stride], padding: [around, around], groups: _groups);
    }
}
