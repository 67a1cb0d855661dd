using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// ConvNeXt (Liu et al. 2022, "A ConvNet for the 2020s"), the image tower of OpenCLIP's <c>convnext_*</c> models: four stages of depthwise
/// convolutions and MLPs, whose output is averaged, normalised and projected. Parameters have timm's names, as OpenCLIP's checkpoints hold
/// them.
/// </summary>
public sealed class ConvNext : Module<Tensor, Tensor>
{
    /// <summary>The starting value of the factor that a block learns for each channel of its branch.</summary>
    private const double LayerScale = 1e-6;

    [ComponentName(Name = "trunk")] private readonly Trunk _trunk;
    [ComponentName(Name = "head")] private readonly Sequential? _head;
    private readonly int _imageSize;

    /// <summary>An image tower with fresh weights.</summary>
    /// <param name="config">
    /// The whole model's shape; its <see cref="VisionConfig.Convolutional"/> is a <see cref="ConvNextConfig"/>.
    /// </param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">A value of the shape is out of its range, or the shape is another tower's.</exception>
    public ConvNext(ClipConfig config, Device? device = null) : base(nameof(ConvNext))
    {
        var vision = ClipConfig.Valid(config).Vision;
        if (vision.Convolutional is not ConvNextConfig shape) throw new ArgumentException("Vision.Convolutional is no ConvNextConfig: " +
            "the configuration is another tower's.");
        _imageSize = vision.ImageSize;
        _trunk = new Trunk(shape, config.VisionBlock.LayerNormEpsilon, device);
        var (width, E) = (shape.Widths[^1], config.EmbeddingWidth);
        _head = vision.Projection switch
        {
            ProjectionKind.None => null,
            ProjectionKind.Mlp => Sequential(("mlp", Sequential(
                ("fc1", Linear(width, 2 * E, device: device)), ("act", GELU()),
                    ("fc2", Linear(2 * E, E, hasBias: false, device: device))))),
            var kind => Sequential(("proj", Linear(width, E, hasBias: kind == ProjectionKind.Affine, device: device))),
        };
        RegisterComponents();
    }

    /// <summary>Pixels, (B, 3, R, R), normalised → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public override Tensor forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var pooled = _trunk.Pool(Features(pixels));                                         // (B, D)
        return (_head is null ? pooled : _head.call(pooled)).MoveToOuterDisposeScope();     // (B, E)
    }

    /// <summary>Pixels, (B, 3, R, R) → the last grid, (B, D, R / 32, R / 32). A trace gets <c>layer1</c> to <c>layer4</c>.</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public Tensor Features(Tensor pixels, Trace? trace = null)
    {
        Shapes.Require(pixels, "The image tower", "(B, 3, R, R)", -1, 3, _imageSize, _imageSize);
        return _trunk.Run(pixels, trace);
    }

    private sealed class Trunk : Module<Tensor, Tensor>
    {
        [ComponentName(Name = "stem")] private readonly Sequential _stem;
        [ComponentName(Name = "stages")] private readonly ModuleList<Stage> _stages;
        [ComponentName(Name = "head")] private readonly Sequential _head;

        internal Trunk(ConvNextConfig shape, double epsilon, Device? device) : base("ConvNextTrunk")
        {
            _stem = Sequential(("0", Conv2d(3, shape.Widths[0], kernel_size: 4, stride: 4, device: device)),
                ("1", new ChannelNorm(shape.Widths[0], epsilon, device)));
            _stages = new ModuleList<Stage>(
                [.. shape.Widths.Select((width, i) => new Stage(i == 0 ? null : shape.Widths[i - 1], width, shape.Depths[i], epsilon,
                device))]);
            _head = Sequential(("norm", LayerNorm(shape.Widths[^1], epsilon, device: device)));
            RegisterComponents();
        }

        public override Tensor forward(Tensor pixels) => Run(pixels, null);

        internal Tensor Run(Tensor pixels, Trace? trace)
        {
            using var scope = NewDisposeScope();
            var x = _stem.call(pixels);                                                     // (B, C1, R / 4, R / 4)
            for (int i = 0; i < _stages.Count; i++)
            {
                x = _stages[i].call(x);                                                     // (B, C, R / 2^(i + 2), …)
                trace?.Record($"layer{i + 1}", x);
            }
            return x.MoveToOuterDisposeScope();
        }

        /// <summary>(B, D, h, w) → (B, D).</summary>
        internal Tensor Pool(Tensor x) => _head.call(x.mean([2, 3]));
    }

    private sealed class Stage : Module<Tensor, Tensor>
    {
        [ComponentName(Name = "downsample")] private readonly Sequential? _downsample;
        [ComponentName(Name = "blocks")] private readonly ModuleList<Block> _blocks;

        internal Stage(int? former, int width, int depth, double epsilon, Device? device) : base("ConvNextStage")
        {
            if (former is { } inputs) _downsample = Sequential(("0", new ChannelNorm(inputs, epsilon, device)),
                ("1", Conv2d(inputs, width, kernel_size: 2, stride: 2, device: device)));
            _blocks = new ModuleList<Block>([.. Enumerable.Range(0, depth).Select(_ => new Block(width, epsilon, device))]);
            RegisterComponents();
        }

        /// <summary>(B, C, h, w) → (B, C', h / 2, w / 2); the first stage keeps (B, C, h, w).</summary>
        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var x = _downsample is null ? input : _downsample.call(input);
            foreach (var block in _blocks) x = block.call(x);
            return x.MoveToOuterDisposeScope();
        }
    }

    private sealed class Block : Module<Tensor, Tensor>
    {
        [ComponentName(Name = "gamma")] private readonly Parameter _gamma;
        [ComponentName(Name = "conv_dw")] private readonly Conv2d _depthwise;
        [ComponentName(Name = "norm")] private readonly LayerNorm _norm;
        [ComponentName(Name = "mlp")] private readonly Sequential _mlp;

        internal Block(int width, double epsilon, Device? device) : base("ConvNextBlock")
        {
            _gamma = new Parameter(empty(width, device: device));
            _gamma.Fill(LayerScale);
            _depthwise = Conv2d(width, width, kernel_size: 7, padding: 3, groups: width, device: device);
            _norm = LayerNorm(width, epsilon, device: device);
            _mlp = Sequential(("fc1", Linear(width, 4 * width, device: device)), ("act", GELU()),
                ("fc2", Linear(4 * width, width, device: device)));
            RegisterComponents();
        }

        /// <summary>(B, C, h, w) → (B, C, h, w).</summary>
        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var x = _depthwise.call(input).permute(0, 2, 3, 1);                             // (B, h, w, C)
            x = _mlp.call(_norm.call(x)) * _gamma;
            return input.Plus(x.permute(0, 3, 1, 2)).MoveToOuterDisposeScope();             // (B, C, h, w)
        }
    }
}
