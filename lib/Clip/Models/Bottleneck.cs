using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// A residual bottleneck whose convolutions all have stride 1: where it shrinks the grid, it averages first to avoid aliasing (openai/CLIP
/// <c>model.py</c>).
/// </summary>
internal sealed class Bottleneck : Module<Tensor, Tensor>
{
    internal const int Expansion = 4;

    [ComponentName(Name = "conv1")] private readonly Conv2d _conv1;
    [ComponentName(Name = "bn1")] private readonly BatchNorm2d _bn1;
    [ComponentName(Name = "conv2")] private readonly Conv2d _conv2;
    [ComponentName(Name = "bn2")] private readonly BatchNorm2d _bn2;
    [ComponentName(Name = "conv3")] private readonly Conv2d _conv3;
    [ComponentName(Name = "bn3")] private readonly BatchNorm2d _bn3;
    [ComponentName(Name = "downsample")] private readonly Sequential? _downsample;
    private readonly int _stride;

    internal Bottleneck(int input, int planes, int stride, Device? device) : base(nameof(Bottleneck))
    {
        _stride = stride;
        _conv1 = Conv2d(input, planes, kernel_size: 1, bias: false, device: device);
        _bn1 = BatchNorm2d(planes, device: device);
        _conv2 = Conv2d(planes, planes, kernel_size: 3, padding: 1, bias: false, device: device);
        _bn2 = BatchNorm2d(planes, device: device);
        _conv3 = Conv2d(planes, Expansion * planes, kernel_size: 1, bias: false, device: device);
        _bn3 = BatchNorm2d(Expansion * planes, device: device);
        init.zeros_(_bn3.weight!);
        if (stride > 1 || input != Expansion * planes)
            _downsample = Sequential(
                ("0", Conv2d(input, Expansion * planes, kernel_size: 1, bias: false, device: device)),
                ("1", BatchNorm2d(Expansion * planes, device: device)));
        RegisterComponents();
    }

    /// <summary>(B, C, h, w) → (B, 4 planes, h / stride, w / stride).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = functional.relu(_bn1.call(_conv1.call(input)));
        x = functional.relu(_bn2.call(_conv2.call(x)));
        x = _bn3.call(_conv3.call(Shrink(x)));
        var shortcut = _downsample is null ? input : _downsample.call(Shrink(input));
        return functional.relu(x.Plus(shortcut)).MoveToOuterDisposeScope();
    }

    private Tensor Shrink(Tensor x) => _stride > 1 ? functional.avg_pool2d(x, _stride, _stride) : x;
}
