using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>CLIP's image tower (paper, section 2.4): patches, a class token, pre-norm blocks, a projection.</summary>
public sealed class VisionTransformer : Module<Tensor, Tensor>
{
    [ComponentName(Name = "class_embedding")] private readonly Parameter _classEmbedding;
    [ComponentName(Name = "positional_embedding")] private readonly Parameter _positionalEmbedding;
    [ComponentName(Name = "proj")] private readonly Parameter _projection;
    [ComponentName(Name = "conv1")] private readonly Conv2d _patchEmbedding;
    [ComponentName(Name = "ln_pre")] private readonly LayerNorm _lnPre;
    [ComponentName(Name = "transformer")] private readonly Transformer _transformer;
    [ComponentName(Name = "ln_post")] private readonly LayerNorm _lnPost;
    private readonly VisionConfig _config;

    /// <summary>An image tower with fresh weights.</summary>
    /// <param name="config">The whole model's shape.</param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">A value of the shape is out of its range.</exception>
    public VisionTransformer(ClipConfig config, Device? device = null) : base(nameof(VisionTransformer))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        if (config.Vision.Stages is not null) throw new ArgumentException("Vision.Stages is set: the configuration is a ModifiedResNet's.");
        _config = config.Vision;
        int width = _config.Width;
        double scale = Math.Pow(width, -0.5);
        _patchEmbedding = Conv2d(3, width, kernel_size: _config.PatchSize, stride: _config.PatchSize, bias: false, device: device);
        _classEmbedding = new Parameter(empty(width, device: device));
        _positionalEmbedding = new Parameter(empty(_config.Tokens, width, device: device));
        _lnPre = LayerNorm(width, config.LayerNormEpsilon, device: device);
        _transformer = new Transformer(config.VisionBlock with { Device = device }, _config.Layers, causal: false);
        _lnPost = LayerNorm(width, config.LayerNormEpsilon, device: device);
        _projection = new Parameter(empty(width, config.EmbeddingWidth, device: device));
        foreach (var parameter in new[] { _classEmbedding, _positionalEmbedding, _projection }) init.normal_(parameter, 0, scale);
        RegisterComponents();
    }

    /// <summary>The blocks between <c>ln_pre</c> and <c>ln_post</c>.</summary>
    public Transformer Transformer => _transformer;

    /// <summary>Pixels, (B, 3, R, R), normalised → (B, E), not normalised.</summary>
    public override Tensor forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return Pooled(pixels).mm(_projection).MoveToOuterDisposeScope();                        // (B, E)
    }

    /// <summary>Pixels, (B, 3, R, R) → the class token after <c>ln_post</c>, (B, D): Hugging Face's <c>pooler_output</c>.</summary>
    public Tensor Pooled(Tensor pixels, Trace? trace = null)
    {
        using var scope = NewDisposeScope();
        var x = _transformer.Run(Embed(pixels), trace);                                     // (B, N, D)
        return _lnPost.call(x.select(1, 0)).MoveToOuterDisposeScope();                          // (B, D)
    }

    /// <summary>Pixels, (B, 3, R, R) → the tokens that enter the first block, (B, N, D).</summary>
    public Tensor Embed(Tensor pixels)
    {
        Shapes.Require(pixels, "The image tower", "(B, 3, R, R)", -1, 3, _config.ImageSize, _config.ImageSize);
        using var scope = NewDisposeScope();
        var x = _patchEmbedding.call(pixels).flatten(2).transpose(1, 2);                        // (B, N - 1, D)
        var classToken = _classEmbedding.expand(x.shape[0], 1, -1);                             // (B, 1, D)
        x = cat([classToken, x], 1).Plus(_positionalEmbedding);                                 // (B, N, D)
        return _lnPre.call(x).MoveToOuterDisposeScope();
    }
}
