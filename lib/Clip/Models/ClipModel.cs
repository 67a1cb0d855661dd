using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// CLIP: two towers that meet in one space (paper, figure 3). Parameters have openai/CLIP's names: the image tower's begin with
/// <c>visual.</c>, the text tower's stand at the root. SigLIP and the other families are the same with other towers, and a bias on the
/// logits where they were trained with a sigmoid for each pair.
/// </summary>
public sealed class ClipModel : Module<Tensor, Tensor, (Tensor LogitsPerImage, Tensor LogitsPerText)>
{
    [ComponentName(Name = "positional_embedding")] private readonly Parameter _textPositions;
    [ComponentName(Name = "text_projection")] private readonly Parameter? _textProjection;
    [ComponentName(Name = "cls_emb")] private readonly Parameter? _textClass;
    [ComponentName(Name = "logit_scale")] private readonly Parameter _logitScale;
    [ComponentName(Name = "logit_bias")] private readonly Parameter? _logitBias;

    /// <summary>A model with fresh weights in float32, spread as by openai/CLIP's <c>initialize_parameters</c>.</summary>
    /// <param name="config">Its shape. <see cref="random.manual_seed"/> fixes the weights.</param>
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

    /// <summary>The text tower; its parameters are this module's own.</summary>
    public TextTransformer Text { get; }

    /// <summary>ln(1 / τ), a scalar: its exponential multiplies the cosine similarities (paper, section 2.3).</summary>
    public Parameter LogitScale => _logitScale;

    /// <summary>
    /// What is added to every logit of a model that was trained with a sigmoid for each pair: most pairs do not belong together, so it is
    /// negative. None for CLIP.
    /// </summary>
    public Parameter? LogitBias => _logitBias;

    /// <summary>
    /// How many sets of low-rank additions are attached and not in the weights; what reads the weights alone refuses them.
    /// </summary>
    internal int UnmergedAdapters { get; set; }

    /// <exception cref="InvalidOperationException">Low-rank additions are attached that the weights do not hold.</exception>
    internal void RequireMerged(string what)
    {
        if (UnmergedAdapters > 0)
            throw new InvalidOperationException($"The model has low-rank adapters that are not merged, and {what} takes its weights " +
                "alone: call LowRankAdapters.Merge first, or dispose of them.");
    }

    /// <summary>Pixels, (B, 3, R, R), normalised → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public Tensor EncodeImage(Tensor pixels) => ImageTower.call(pixels);

    /// <summary>Token ids, (B, L), int64 → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public Tensor EncodeText(Tensor ids) => Text.call(ids);

    /// <summary>
    /// Pixels, (B, 3, R, R), and token ids, (T, L) → cosine similarities times exp(LogitScale), plus LogitBias where there is one: (B, T),
    /// and its transpose (T, B). A softmax over a row gives an image's
    /// probabilities, and of a model that <see cref="ClipConfig.IsSigmoid"/> the sigmoid of an element that pair's.
    /// </summary>
    /// <exception cref="InvalidOperationException">A tower does not pool.</exception>
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

    /// <summary>Converts or moves the parameters; the text tower then takes over those that stand at the root.</summary>
    protected override void _toEpilog(ScalarType? dtype, Device? device, bool non_blocking)
    {
        base._toEpilog(dtype, device, non_blocking);
        Text.Share(_textPositions, _textProjection, _textClass);
    }
}
