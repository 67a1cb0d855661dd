using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// Two stages of inverted residuals in place of a Vision Transformer's patch convolution (ViTamin; timm's <c>MbConvStages</c>): a cell of
/// the last grid covers 16 × 16 pixels.
/// </summary>
internal sealed class InvertedResidualStem : Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-6;

    [ComponentName(Name = "backbone")] private readonly Backbone _backbone;

    /// <param name="stem">C, the channels of the first stage; the second has twice as many.</param>
    /// <param name="width">D.</param>
    /// <param name="device">Where the weights are made.</param>
    internal InvertedResidualStem(int stem, int width, Device? device) : base(nameof(InvertedResidualStem))
    {
        _backbone = new Backbone(stem, width, device);
        RegisterComponents();
    }

    /// <summary>(B, 3, R, R) → (B, D, R / 16, R / 16).</summary>
    public override Tensor forward(Tensor input) => _backbone.call(input);

    private sealed class Backbone : Module<Tensor, Tensor>
    {
        [ComponentName(Name = "stem")] private readonly Sequential _stem;
        [ComponentName(Name = "stages")] private readonly Sequential _stages;
        [ComponentName(Name = "pool")] private readonly Sequential _pool;

        internal Backbone(int C, int width, Device? device) : base("InvertedResiduals")
        {
            _stem = Sequential(
                ("conv1", Conv2d(3, C, kernel_size: 3, stride: 2, padding: 1, device: device)),
                    ("norm1", new ChannelNorm(C, Epsilon, device)), ("act1", GELU()),
                ("conv2", Conv2d(C, C, kernel_size: 3, padding: 1, device: device)));
            _stages = Sequential(("0", Stage(C, C, 2)), ("1", Stage(C, 2 * C, 4)));
            _pool = Sequential(("norm", new ChannelNorm(2 * C, Epsilon, device)),
                ("proj", Conv2d(2 * C, width, kernel_size: 3, stride: 2, padding: 1, device: device)));
            RegisterComponents();

            Sequential Stage(int inputs, int outputs, int blocks) => Sequential(Enumerable.Range(0, blocks)
                .Select(i => ($"{i}", (Module<Tensor, Tensor>)new Block(i == 0 ? inputs : outputs, outputs, halve: i == 0,
                    device))).ToArray());
        }

        /// <summary>(B, 3, R, R) → (B, D, R / 16, R / 16).</summary>
        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var x = _stem.call(input);                                                      // (B, C, R / 2, R / 2)
            x = _stages.call(x);                                                            // (B, 2 C, R / 8, R / 8)
            return _pool.call(x).MoveToOuterDisposeScope();
        }
    }

    private sealed class Block : Module<Tensor, Tensor>
    {
        [ComponentName(Name = "shortcut")] private readonly Sequential? _shortcut;
        [ComponentName(Name = "pre_norm")] private readonly ChannelNorm _norm;
        [ComponentName(Name = "conv1_1x1")] private readonly Conv2d _expand;
        [ComponentName(Name = "conv2_kxk")] private readonly Conv2d _depthwise;
        [ComponentName(Name = "conv3_1x1")] private readonly Conv2d _project;

        internal Block(int inputs, int outputs, bool halve, Device? device) : base("InvertedResidual")
        {
            int hidden = 4 * outputs;
            if (halve)
            {
                var pool = ("pool", (Module<Tensor, Tensor>)AvgPool2d(3, stride: 2, padding: 1, count_include_pad: false));
                _shortcut = inputs == outputs ? Sequential(pool)
                    : Sequential(pool, ("expand", Conv2d(inputs, outputs, kernel_size: 1, device: device)));
            }
            _norm = new ChannelNorm(inputs, Epsilon, device);
            _expand = Conv2d(inputs, hidden, kernel_size: 1, device: device);
            _depthwise = Conv2d(hidden, hidden, kernel_size: 3, stride: halve ? 2 : 1, padding: 1, groups: hidden, device: device);
            _project = Conv2d(hidden, outputs, kernel_size: 1, device: device);
            RegisterComponents();
        }

        /// <summary>(B, C, h, w) → (B, C', h, w), or (B, C', h / 2, w / 2) where the block halves the grid.</summary>
        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var x = functional.gelu(_expand.call(_norm.call(input)));                       // (B, 4 C', h, w)
            x = functional.gelu(_depthwise.call(x));
            return _project.call(x).Plus(_shortcut is null ? input : _shortcut.call(input)).MoveToOuterDisposeScope();
        }
    }
}
