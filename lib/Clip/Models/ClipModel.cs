using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// CLIP: two towers that meet in one space (paper, figure 3). Parameters have openai/CLIP's names: the image tower's begin with
/// <c>visual.</c>, the text tower's stand at the root.
/// </summary>
public sealed class ClipModel : Module<Tensor, Tensor, (Tensor LogitsPerImage, Tensor LogitsPerText)>
{
    [ComponentName(Name = "positional_embedding")] private readonly Parameter _textPositions;
    [ComponentName(Name = "text_projection")] private readonly Parameter _textProjection;
    [ComponentName(Name = "logit_scale")] private readonly Parameter _logitScale;

    /// <summary>A model with fresh weights in float32, spread as by openai/CLIP's <c>initialize_parameters</c>.</summary>
    /// <param name="config">Its shape. <see cref="random.manual_seed"/> fixes the weights.</param>
    /// <param name="device">Where the weights are made: the CPU by default; <c>meta</c> gives names and shapes without memory.</param>
    /// <exception cref="ArgumentException">A value of the shape is out of its range.</exception>
    public ClipModel(ClipConfig config, Device? device = null) : base(nameof(ClipModel))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        ImageTower = config.Vision.Stages is null ? new VisionTransformer(config, device) : new ModifiedResNet(config, device);
        Text = new TextTransformer(config, device);
        _textPositions = Text.get_parameter("positional_embedding")!;
        _textProjection = Text.get_parameter("text_projection")!;
        _logitScale = new Parameter(empty([], device: device));
        _logitScale.Fill(Math.Log(1 / config.InitialTemperature));

        // The order is that of openai/CLIP's state dict.
        register_parameter("positional_embedding", _textPositions);
        register_parameter("text_projection", _textProjection);
        register_parameter("logit_scale", _logitScale);
        register_module("visual", ImageTower);
        foreach (var (name, module) in Text.named_children()) register_module(name, module);
    }

    /// <summary>The shape.</summary>
    public ClipConfig Config { get; }

    /// <summary>The image tower: a <see cref="VisionTransformer"/> or a <see cref="ModifiedResNet"/>.</summary>
    public Module<Tensor, Tensor> ImageTower { get; }

    /// <summary>The image tower of a model whose tower is a Vision Transformer.</summary>
    /// <exception cref="InvalidOperationException">The tower is a ResNet; it is at <see cref="ImageTower"/>.</exception>
    public VisionTransformer Visual => ImageTower as VisionTransformer
        ?? throw new InvalidOperationException("This model's image tower is a ModifiedResNet, which has no patches and blocks; it is at ImageTower.");

    /// <summary>The text tower; its parameters are this module's own.</summary>
    public TextTransformer Text { get; }

    /// <summary>ln(1 / τ), a scalar: its exponential multiplies the cosine similarities (paper, section 2.3).</summary>
    public Parameter LogitScale => _logitScale;

    /// <summary>Pixels, (B, 3, R, R), normalised → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public Tensor EncodeImage(Tensor pixels) => ImageTower.call(pixels);

    /// <summary>Token ids, (B, L), int64 → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public Tensor EncodeText(Tensor ids) => Text.call(ids);

    /// <summary>
    /// Pixels, (B, 3, R, R), and token ids, (T, L) → cosine similarities times exp(LogitScale): (B, T), and its transpose (T, B).
    /// </summary>
    public override (Tensor LogitsPerImage, Tensor LogitsPerText) forward(Tensor pixels, Tensor ids)
    {
        using var scope = NewDisposeScope();
        var image = functional.normalize(EncodeImage(pixels), p: 2, dim: -1);       // (B, E)
        var text = functional.normalize(EncodeText(ids), p: 2, dim: -1);            // (T, E)
        var logitsPerImage = LogitScale.exp() * image.mm(text.t());                 // (B, T)
        return (logitsPerImage.MoveToOuterDisposeScope(), logitsPerImage.t().MoveToOuterDisposeScope());
    }

    /// <summary>Converts or moves the parameters; the text tower then takes over its two that stand at the root.</summary>
    protected override void _toEpilog(ScalarType? dtype, Device? device, bool non_blocking)
    {
        base._toEpilog(dtype, device, non_blocking);
        Text.Share(_textPositions, _textProjection);
    }
}
