using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// FastViT (Vasu et al. 2023), the image tower of MobileCLIP and MobileCLIP2: stages of branched depthwise convolutions, the later ones
/// with attention. This is the form for training, in which each branch has its batch normalisation, as in OpenCLIP's checkpoints; the
/// prepared form folds the branches (<see cref="Fold"/>). Parameters have timm's names.
/// </summary>
public sealed class FastVit : Module<Tensor, Tensor>
{
    [ComponentName(Name = "trunk")] private readonly Trunk _trunk;
    private readonly int _imageSize;

    /// <summary>An image tower with fresh weights.</summary>
    /// <param name="config">The whole model's shape; its <see cref="VisionConfig.Convolutional"/> is a <see cref="FastVitConfig"/>.</param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">A value of the shape is out of its range, or the shape is another tower's.</exception>
    public FastVit(ClipConfig config, Device? device = null) : base(nameof(FastVit))
    {
        var vision = ClipConfig.Valid(config).Vision;
        if (vision.Convolutional is not FastVitConfig shape) throw new ArgumentException("Vision.Convolutional is no FastVitConfig: " +
            "the configuration is another tower's.");
        _imageSize = vision.ImageSize;
        _trunk = new Trunk(shape, config.EmbeddingWidth, device);
        RegisterComponents();
    }

    /// <summary>Pixels, (B, 3, R, R), 0 to 1 → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public override Tensor forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return _trunk.Embed(Features(pixels)).MoveToOuterDisposeScope();                    // (B, E)
    }

    /// <summary>
    /// Pixels, (B, 3, R, R) → the last stage's grid, (B, D, h, w). A trace gets <c>stem</c>, then <c>layer1</c>, <c>layer2</c> and so on,
    /// one for each stage.
    /// </summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public Tensor Features(Tensor pixels, Trace? trace = null)
    {
        Shapes.Require(pixels, "The image tower", "(B, 3, R, R)", -1, 3, _imageSize, _imageSize);
        return _trunk.Run(pixels, trace);
    }

    /// <summary>
    /// Folds each part's branches and batch normalisations into one convolution, for inference only: the named parameters are no longer
    /// read afterwards.
    /// </summary>
    internal void Fold()
    {
        foreach (var part in modules().OfType<IFoldable>().ToList()) part.Fold();
    }

    private sealed class Trunk : Module<Tensor, Tensor>
    {
        [ComponentName(Name = "stem")] private readonly Sequential _stem;
        [ComponentName(Name = "stages")] private readonly ModuleList<Stage> _stages;
        [ComponentName(Name = "final_conv")] private readonly BranchedConvolution _final;
        [ComponentName(Name = "head")] private readonly Sequential _head;

        internal Trunk(FastVitConfig shape, int embeddingWidth, Device? device) : base("FastVitTrunk")
        {
            int first = shape.Widths[0], last = shape.Widths[^1];
            var stem = new BranchedConvolution.Shape { Activated = true, Scale = shape.StemScale };
            _stem = Sequential(
                ("0", new BranchedConvolution(3, first, stem with { Size = 3, Stride = 2 }, device)),
                ("1", new BranchedConvolution(first, first, stem with { Size = 3, Stride = 2, Depthwise = true }, device)),
                ("2", new BranchedConvolution(first, first, stem with { Size = 1 }, device)));
            _stages = new ModuleList<Stage>([.. shape.Widths.Select((_, i) => new Stage(shape, i, device))]);
            _final = new BranchedConvolution(last, 2 * last, new BranchedConvolution.Shape { Size = 3, Depthwise = true, Scale = true,
                Squeeze = true, Activated = true }, device);
            _head = Sequential(("fc", Linear(2 * last, embeddingWidth, device: device)));
            RegisterComponents();
        }

        public override Tensor forward(Tensor pixels) => Run(pixels, null);

        internal Tensor Run(Tensor pixels, Trace? trace)
        {
            using var scope = NewDisposeScope();
            var x = _stem.call(pixels);                                                     // (B, C1, R / 4, R / 4)
            trace?.Record("stem", x);
            for (int i = 0; i < _stages.Count; i++)
            {
                x = _stages[i].call(x);                                                     // (B, C, R / 2^(i + 2), …)
                trace?.Record($"layer{i + 1}", x);
            }
            return x.MoveToOuterDisposeScope();
        }

        /// <summary>(B, D, h, w) → (B, E).</summary>
        internal Tensor Embed(Tensor x) => _head.call(_final.call(x).mean([2, 3]));
    }

    private sealed class Stage : Module<Tensor, Tensor>
    {
        [ComponentName(Name = "downsample")] private readonly Downsampling? _downsample;
        [ComponentName(Name = "pos_emb")] private readonly Sequential? _positions;
        [ComponentName(Name = "blocks")] private readonly ModuleList<Module<Tensor, Tensor>> _blocks;

        internal Stage(FastVitConfig shape, int index, Device? device) : base("FastVitStage")
        {
            int width = shape.Widths[index], hidden = (int)(shape.MlpRatio * width);
            bool attends = index >= shape.AttentionFrom;
            if (index > 0) _downsample = new Downsampling(shape.Widths[index - 1], width, index >= shape.SqueezeFrom, device);
            if (attends) _positions =
                Sequential(("pos_enc", Conv2d(width, width, kernel_size: 7, padding: 3, groups: width, device: device)));
            _blocks = new ModuleList<Module<Tensor,
                Tensor>>([.. Enumerable.Range(0, shape.Depths[index]).Select(Module<Tensor, Tensor> (_) =>
                attends ? new GridAttentionBlock(width, hidden, shape.ChannelNorm, device) : new RepMixerBlock(width, hidden, device))]);
            RegisterComponents();
        }

        /// <summary>(B, C, h, w) → (B, C', h / 2, w / 2); the first stage keeps (B, C, h, w).</summary>
        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var x = _downsample is null ? input : _downsample.call(input);
            if (_positions is not null) x = x.Plus(_positions.call(x));
            foreach (var block in _blocks) x = block.call(x);
            return x.MoveToOuterDisposeScope();
        }
    }
}
