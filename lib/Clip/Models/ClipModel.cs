using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// CLIP: an image tower and a text tower with one shared space (paper, figure 3). Parameters have openai/CLIP's names: the image tower's
/// begin with <c>visual.</c>, the text tower's have no prefix. SigLIP and other families are the same model with other towers; those
/// trained with a sigmoid for each pair also add a bias to the logits.
/// </summary>
public sealed class ClipModel : Module<Tensor, Tensor, (Tensor LogitsPerImage, Tensor LogitsPerText)>
{
    [ComponentName(Name = "positional_embedding")] private readonly Parameter _textPositions;
    [ComponentName(Name = "text_projection")] private readonly Parameter? _textProjection;
    [ComponentName(Name = "cls_emb")] private readonly Parameter? _textClass;
    [ComponentName(Name = "logit_scale")] private readonly Parameter _logitScale;
    [ComponentName(Name = "logit_bias")] private readonly Parameter? _logitBias;

    /// <summary>A model with random float32 weights, distributed as by openai/CLIP's <c>initialize_parameters</c>.</summary>
    /// <param name="config">The model's shape. A preceding <see cref="random.manual_seed"/> makes the weights reproducible.</param>
    /// <param name="device">Where the weights are made: the CPU by default; <c>meta</c> gives names and shapes without memory.</param>
    /// <exception cref="ArgumentException">A value of the shape is out of its range.</exception>
    public ClipModel(ClipConfig config, Device? device = null) : base(nameof(ClipModel))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        ImageTower = MakeImageTower(config, device);
        Text = new TextTransformer(config, device);
        (_textPositions, _textProjection, _textClass) = (Text.get_parameter("positional_embedding")!,
            Text.get_parameter("text_projection"), Text.get_parameter("cls_emb"));
        long[] shape = config.HasListedScale ? [1] : [];
        _logitScale = new Parameter(empty(shape, device: device));
        _logitScale.Fill(Math.Log(1 / config.InitialTemperature));
        if (config.InitialBias is { } bias)
        {
            _logitBias = new Parameter(empty(shape, device: device));
            _logitBias.Fill(bias);
        }

        // The order is that of openai/CLIP's state dict.
        register_parameter("positional_embedding", _textPositions);
        if (_textProjection is not null) register_parameter("text_projection", _textProjection);
        if (_textClass is not null) register_parameter("cls_emb", _textClass);
        register_parameter("logit_scale", _logitScale);
        if (_logitBias is not null) register_parameter("logit_bias", _logitBias);
        register_module("visual", ImageTower);
        foreach (var (name, module) in Text.named_children()) register_module(name, module);
    }

    /// <summary>The shape.</summary>
    public ClipConfig Config { get; }

    /// <summary>
    /// The image tower: a <see cref="VisionTransformer"/>, a <see cref="ModifiedResNet"/>, a <see cref="ConvNext"/> or a
    /// <see cref="FastVit"/>.
    /// </summary>
    public Module<Tensor, Tensor> ImageTower { get; }

    /// <summary>The image tower of a model whose tower is a Vision Transformer.</summary>
    /// <exception cref="InvalidOperationException">The tower is convolutional; it is at <see cref="ImageTower"/>.</exception>
    public VisionTransformer Visual => ImageTower as VisionTransformer
        ?? throw new InvalidOperationException($"This model's image tower is a {ImageTower.GetName()}, which has no patches and " +
            $"blocks; it is at ImageTower.");

    /// <summary>The text tower; its parameters are also registered in this module, without a prefix.</summary>
    public TextTransformer Text { get; }

    /// <summary>ln(1 / τ), a scalar: its exponential multiplies the cosine similarities (paper, section 2.3).</summary>
    public Parameter LogitScale => _logitScale;

    /// <summary>
    /// The bias added to every logit of a model trained with a sigmoid for each pair: negative, since most pairs do not belong together.
    /// Null for CLIP.
    /// </summary>
    public Parameter? LogitBias => _logitBias;

    /// <summary>
    /// How many sets of low-rank adapters are attached but not merged into the weights. Code that reads only the weights refuses such a
    /// model.
    /// </summary>
    internal int UnmergedAdapters { get; set; }

    /// <exception cref="InvalidOperationException">Low-rank adapters are attached that are not merged into the weights.</exception>
    internal void RequireMerged(string what)
    {
        if (UnmergedAdapters > 0) throw Unmerged("model", what);
    }

    /// <summary>What takes the weights alone of a model or tower whose low-rank adapters are not merged.</summary>
    internal static InvalidOperationException Unmerged(string whose, string what) => new(
        $"The {whose} has low-rank adapters that are not merged, and {what} takes its weights alone: call LowRankAdapters.Merge first, " +
        "or dispose of them.");

    /// <summary>Pixels, (B, 3, R, R), normalised → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public Tensor EncodeImage(Tensor pixels) => ImageTower.call(pixels);

    /// <summary>Token ids, (B, L), int64 → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public Tensor EncodeText(Tensor ids) => Text.call(ids);

    /// <summary>
    /// Pixels, (B, 3, R, R), and token ids, (T, L) → logits, (B, T), and their transpose, (T, B): cosine similarities times
    /// exp(LogitScale), plus LogitBias where there is one. The softmax of a row gives an image's probabilities over the texts; where
    /// <see cref="ClipConfig.IsSigmoid"/> is true, the sigmoid of a logit gives its pair's probability instead.
    /// </summary>
    /// <exception cref="InvalidOperationException">A tower does not pool.</exception>
    /// <exception cref="ArgumentException">An input has another shape; the message gives both.</exception>
    public override (Tensor LogitsPerImage, Tensor LogitsPerText) forward(Tensor pixels, Tensor ids)
    {
        if (Config.Vision.Pooling == VisionPooling.None || Config.Text.Pooling == TextPooling.None)
            throw new InvalidOperationException("A tower of this model does not pool (pool_type \"none\"): it gives a vector for " +
                "every token, of which no logits are made. EncodeImage and EncodeText give them.");
        using var scope = NewDisposeScope();
        var image = functional.normalize(EncodeImage(pixels), p: 2, dim: -1);       // (B, E)
        var text = functional.normalize(EncodeText(ids), p: 2, dim: -1);            // (T, E)
        var logitsPerImage = LogitScale.exp() * image.mm(text.t());                 // (B, T)
        if (LogitBias is not null) logitsPerImage = logitsPerImage.Plus(LogitBias);
        return (logitsPerImage.MoveToOuterDisposeScope(), logitsPerImage.t().MoveToOuterDisposeScope());
    }

    /// <summary>The image tower that a shape asks for, with fresh weights.</summary>
    internal static Module<Tensor, Tensor> MakeImageTower(ClipConfig config, Device? device) => config.Vision switch
    {
        { Stages: not null } => new ModifiedResNet(config, device),
        { Convolutional: ConvNextConfig } => new ConvNext(config, device),
        { Convolutional: FastVitConfig } => new FastVit(config, device),
        _ => new VisionTransformer(config, device),
    };

    /// <summary>Converts or moves the parameters, then hands the text tower the new root parameters that it shares.</summary>
    protected override void _toEpilog(ScalarType? dtype, Device? device, bool non_blocking)
    {
        base._toEpilog(dtype, device, non_blocking);
        Text.Share(_textPositions, _textProjection, _textClass);
    }
}
