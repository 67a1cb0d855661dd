using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// CLIP's other image tower (paper, section 2.4): a ResNet with a stem of three convolutions, averaging before every stride, and attention
/// in place of the last pooling.
/// </summary>
public sealed class ModifiedResNet : Module<Tensor, Tensor>
{
    /// <summary>The side of a cell of the last grid in pixels: the stem halves the grid twice, three of the stages once each.</summary>
    internal const int TotalStride = 32;

    [ComponentName(Name = "conv1")] private readonly Conv2d _conv1;
    [ComponentName(Name = "bn1")] private readonly BatchNorm2d _bn1;
    [ComponentName(Name = "conv2")] private readonly Conv2d _conv2;
    [ComponentName(Name = "bn2")] private readonly BatchNorm2d _bn2;
    [ComponentName(Name = "conv3")] private readonly Conv2d _conv3;
    [ComponentName(Name = "bn3")] private readonly BatchNorm2d _bn3;
    [ComponentName(Name = "layer1")] private readonly Sequential _layer1;
    [ComponentName(Name = "layer2")] private readonly Sequential _layer2;
    [ComponentName(Name = "layer3")] private readonly Sequential _layer3;
    [ComponentName(Name = "layer4")] private readonly Sequential _layer4;
    [ComponentName(Name = "attnpool")] private readonly AttentionPool2d _pool;
    private readonly int _imageSize;

    /// <summary>An image tower with fresh weights.</summary>
    /// <param name="config">The whole model's shape; its <see cref="VisionConfig.Stages"/> must be set.</param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">
    /// A value of the shape is out of its range, or <see cref="VisionConfig.Stages"/> is not set.
    /// </exception>
    public ModifiedResNet(ClipConfig config, Device? device = null) : base(nameof(ModifiedResNet))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        var (blocks1, blocks2, blocks3, blocks4) = config.Vision.Stages
            ?? throw new ArgumentException("Vision.Stages is not set: the configuration is a Vision Transformer's.");
        int width = config.Vision.Width;
        _imageSize = config.Vision.ImageSize;
        _conv1 = Conv2d(3, width / 2, kernel_size: 3, stride: 2, padding: 1, bias: false, device: device);
        _bn1 = BatchNorm2d(width / 2, device: device);
        _conv2 = Conv2d(width / 2, width / 2, kernel_size: 3, padding: 1, bias: false, device: device);
        _bn2 = BatchNorm2d(width / 2, device: device);
        _conv3 = Conv2d(width / 2, width, kernel_size: 3, padding: 1, bias: false, device: device);
        _bn3 = BatchNorm2d(width, device: device);
        _layer1 = Stage(width, width, blocks1, stride: 1, device);
        _layer2 = Stage(4 * width, 2 * width, blocks2, stride: 2, device);
        _layer3 = Stage(8 * width, 4 * width, blocks3, stride: 2, device);
        _layer4 = Stage(16 * width, 8 * width, blocks4, stride: 2, device);
        _pool = new AttentionPool2d(config.Vision.Grid, 32 * width, config.Vision.Heads, config.EmbeddingWidth, device);
        RegisterComponents();
    }

    /// <summary>Pixels, (B, 3, R, R), normalised → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _pool.call(Features(input)).MoveToOuterDisposeScope();                           // (B, E)
    }

    /// <summary>
    /// Pixels, (B, 3, R, R) → the grid before the pool, (B, 32 D, R / 32, R / 32). A trace gets <c>stem</c> and <c>layer1</c> to
    /// <c>layer4</c>.
    /// </summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public Tensor Features(Tensor pixels, Trace? trace = null)
    {
        Shapes.Require(pixels, "The image tower", "(B, 3, R, R)", -1, 3, _imageSize, _imageSize);
        using var scope = NewDisposeScope();
        var x = functional.relu(_bn1.call(_conv1.call(ChannelsLast(pixels))));                  // (B, D / 2, R / 2, R / 2)
        x = functional.relu(_bn2.call(_conv2.call(x)));
        x = functional.relu(_bn3.call(_conv3.call(x)));                                         // (B, D, R / 2, R / 2)
        x = functional.avg_pool2d(x, 2, 2);                                                     // (B, D, R / 4, R / 4)
        trace?.Record("stem", x);
        foreach (var (name, stage) in new[] { ("layer1", _layer1), ("layer2", _layer2), ("layer3", _layer3), ("layer4", _layer4) })
        {
            x = stage.call(x);
            trace?.Record(name, x);
        }
        return x.MoveToOuterDisposeScope();                                                     // (B, 32 D, R / 32, R / 32)
    }

    /// <summary>
    /// The same image in channels-last memory layout, which every layer keeps: oneDNN's convolutions then need not reorder their inputs and
    /// outputs.
    /// </summary>
    private static Tensor ChannelsLast(Tensor x) => x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    private static Sequential Stage(int input, int planes, int blocks, int stride, Device? device) => Sequential(
        Enumerable.Range(0, blocks).Select(i => ($"{i}", (Module<Tensor, Tensor>)(i == 0
            ? new Bottleneck(input, planes, stride, device)
            : new Bottleneck(Bottleneck.Expansion * planes, planes, 1, device)))).ToArray());
}
