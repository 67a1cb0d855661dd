using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// The sum of a convolution, a 1 × 1 convolution and the input itself, each with a batch normalisation of its own (MobileOne; timm's
/// <c>MobileOneBlock</c>).
/// </summary>
internal sealed class BranchedConvolution : Module<Tensor, Tensor>, IFoldable
{
    [ComponentName(Name = "se")] private readonly SqueezeExcitation? _squeeze;
    [ComponentName(Name = "identity")] private readonly BatchNorm2d? _identity;
    [ComponentName(Name = "conv_kxk")] private readonly Sequential? _convolution;
    [ComponentName(Name = "conv_scale")] private readonly Sequential? _scale;
    private readonly Shape _shape;
    private readonly int _groups;
    private FoldedConvolution? _folded;

    internal BranchedConvolution(int inputs, int outputs, Shape shape, Device? device) : base(nameof(BranchedConvolution))
    {
        (_shape, _groups) = (shape, shape.Depthwise ? inputs : 1);
        if (shape.Squeeze) _squeeze = new SqueezeExcitation(outputs, Math.Max(1, (int)(outputs / 16.0 + 0.5)), device);
        if (inputs == outputs && shape.Stride == 1) _identity = BatchNorm2d(inputs, device: device);
        if (shape.Convolves) _convolution = Sequential(("0", Normed(inputs, outputs, shape.Size, shape.Stride, shape.Depthwise, device)));
        if (shape.Scale && shape.Size > 1) _scale = Normed(inputs, outputs, 1, shape.Stride, shape.Depthwise, device);
        RegisterComponents();
    }

    /// <summary>(B, C, h, w) → (B, C', h / stride, w / stride).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor? x = _folded?.call(input);
        if (x is not null) return Finish(x).MoveToOuterDisposeScope();
        foreach (var branch in new Module<Tensor, Tensor>?[] { _scale, _identity, _convolution })
            if (branch is not null) x = x is null ? branch.call(input) : x.Plus(branch.call(input));
        return Finish(x!).MoveToOuterDisposeScope();
    }

    private Tensor Finish(Tensor x)
    {
        if (_squeeze is not null) x = _squeeze.call(x);
        return _shape.Activated ? functional.gelu(x) : x;
    }

    /// <inheritdoc/>
    public void Fold()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _folded = new FoldedConvolution(Kernel(), _shape.Stride, _groups);
        register_module("folded", _folded);
    }

    /// <summary>All branches folded into one kernel.</summary>
    internal FoldedKernel Kernel()
    {
        List<FoldedKernel> branches = [];
        if (_scale is not null) branches.Add(FoldedKernel.Of(_scale));
        if (_identity is not null) branches.Add(FoldedKernel.Of(_identity, _shape.Depthwise));
        if (_convolution is not null) branches.Add(FoldedKernel.Of(_convolution, "0."));
        return branches.Select(branch => branch.Padded(_shape.Size)).Aggregate((sum, branch) => sum.Plus(branch));
    }

    /// <summary>A convolution without a bias, and its batch normalisation.</summary>
    internal static Sequential Normed(int inputs, int outputs, int size, int stride, bool depthwise, Device? device) => Sequential(
        ("conv", Conv2d(inputs, outputs, kernel_size: size, stride: stride, padding: size / 2, groups: depthwise ? inputs : 1,
            bias: false, device: device)),
        ("bn", BatchNorm2d(outputs, device: device)));

    /// <summary>The window and stride, and which branches there are.</summary>
    internal sealed record Shape
    {
        internal int Size { get; init; } = 1;

        internal int Stride { get; init; } = 1;

        internal bool Depthwise { get; init; }

        internal bool Convolves { get; init; } = true;

        internal bool Scale { get; init; }

        internal bool Squeeze { get; init; }

        internal bool Activated { get; init; }
    }
}
