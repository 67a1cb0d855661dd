using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// The sum of a convolution, a 1 × 1 convolution and the input itself, each with a batch normalisation of its own (MobileOne; timm's
/// <c>MobileOneBlock</c>).
/// </summary>
internal sealed class BranchedConvolution : Module<Tensor, Tensor>
{
    [ComponentName(Name = "se")] private readonly SqueezeExcitation? _squeeze;
    [ComponentName(Name = "identity")] private readonly BatchNorm2d? _identity;
    [ComponentName(Name = "conv_kxk")] private readonly Sequential? _convolution;
    [ComponentName(Name = "conv_scale")] private readonly Sequential? _scale;
    private readonly bool _activated;

    internal BranchedConvolution(int inputs, int outputs, Shape shape, Device? device) : base(nameof(BranchedConvolution))
    {
        _activated = shape.Activated;
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
        Tensor? x = null;
        foreach (var branch in new Module<Tensor, Tensor>?[] { _scale, _identity, _convolution })
            if (branch is not null) x = x is null ? branch.call(input) : x.Plus(branch.call(input));
        if (_squeeze is not null) x = _squeeze.call(x!);
        return (_activated ? functional.gelu(x!) : x!).MoveToOuterDisposeScope();
    }

    /// <summary>A convolution without a bias, and its batch normalisation.</summary>
    internal static Sequential Normed(int inputs, int outputs, int size, int stride, bool depthwise, Device? device) => Sequential(
        ("conv", Conv2d(inputs, outputs, kernel_size: size, stride: stride, padding: size / 2, groups: depthwise ? inputs : 1,
            bias: false, device: device)),
        ("bn", BatchNorm2d(outputs, device: device)));

    /// <summary>Which branches there are.</summary>
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
