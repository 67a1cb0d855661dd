using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>An MLP over the channels of a grid, after a depthwise convolution (FastViT's <c>ConvMlp</c>).</summary>
internal sealed class GridMlp : Module<Tensor, Tensor>, IFoldable
{
    [ComponentName(Name = "conv")] private readonly Sequential _depthwise;
    [ComponentName(Name = "fc1")] private readonly Conv2d _in;
    [ComponentName(Name = "fc2")] private readonly Conv2d _out;
    private FoldedConvolution? _folded;

    internal GridMlp(int width, int hidden, Device? device) : base(nameof(GridMlp))
    {
        _depthwise = BranchedConvolution.Normed(width, width, 7, 1, depthwise: true, device);
        _in = Conv2d(width, hidden, kernel_size: 1, device: device);
        _out = Conv2d(hidden, width, kernel_size: 1, device: device);
        RegisterComponents();
    }

    /// <summary>(B, C, h, w) → (B, C, h, w).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = _folded is null ? _depthwise.call(input) : _folded.call(input);
        return _out.call(functional.gelu(_in.call(x))).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Fold()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var kernel = FoldedKernel.Of(_depthwise);
        _folded = new FoldedConvolution(kernel, stride: 1, groups: kernel.Weight.shape[0]);
        register_module("folded", _folded);
    }
}
