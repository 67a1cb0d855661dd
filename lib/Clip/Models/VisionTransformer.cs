using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// CLIP's image tower (paper, section 2.4): patches, a class token, pre-norm blocks, a projection. Alone it is Hugging Face's <c>CLIPVisionModelWithProjection</c>, and without a projection its
/// <c>CLIPVisionModel</c> (<c>ClipCheckpoint.VisionFromPretrained</c>).
/// </summary>
public sealed class VisionTransformer : Module<Tensor, Tensor>
{
    [ComponentName(Name = "class_embedding")] private readonly Parameter _classEmbedding;
    [ComponentName(Name = "positional_embedding")] private readonly Parameter _positionalEmbedding;
    [ComponentName(Name = "proj")] private readonly Parameter? _projection;
    [ComponentName(Name = "conv1")] private readonly Conv2d _patchEmbedding;
    [ComponentName(Name = "ln_pre")] private readonly LayerNorm _lnPre;
    [ComponentName(Name = "transformer")] private readonly Transformer _transformer;
    [ComponentName(Name = "ln_post")] private readonly LayerNorm _lnPost;

    /// <summary>An image tower with fresh weights.</summary>
    /// <param name="config">The whole model's shape.</param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">A value of the shape is out of its range.</exception>
    public VisionTransformer(ClipConfig config, Device? device = null) : this(ClipConfig.Valid(config).Vision, config.VisionBlock with { Device = device }, config.EmbeddingWidth)
    {
    }

    /// <summary>A tower by itself, with a projection or without.</summary>
    internal VisionTransformer(VisionConfig config, BlockShape shape, int? embeddingWidth) : base(nameof(VisionTransformer))
    {
        config.Validate();
        if (config.Stages is not null) throw new ArgumentException("Vision.Stages is set: the configuration is a ModifiedResNet's.");
        Config = config;
        var (width, device) = (config.Width, shape.Device);
        double scale = Math.Pow(width, -0.5);
        _patchEmbedding = Conv2d(3, width, kernel_size: config.PatchSize, stride: config.PatchSize, bias: false, device: device);
        _classEmbedding = new Parameter(empty(width, device: device));
        _positionalEmbedding = new Parameter(empty(config.Tokens, width, device: device));
        _lnPre = LayerNorm(width, shape.LayerNormEpsilon, device: device);
        _transformer = new Transformer(shape, config.Layers, causal: false);
        _lnPost = LayerNorm(width, shape.LayerNormEpsilon, device: device);
        if (embeddingWidth is { } embedding) _projection = new Parameter(empty(width, embedding, device: device));
        foreach (var parameter in new[] { _classEmbedding, _positionalEmbedding, _projection }.OfType<Parameter>()) init.normal_(parameter, 0, scale);
        RegisterComponents();
    }

    /// <summary>The shape.</summary>
    public VisionConfig Config { get; }

    /// <summary>Whether there is a projection into the shared space.</summary>
    public bool HasProjection => _projection is not null;

    /// <summary>
    /// Whether images of other sizes than R are taken, also oblong ones: the position embeddings are then interpolated (bicubic, as Hugging Face's <c>interpolate_pos_encoding</c>), and pixels past the
    /// last whole patch are not looked at. Off at first.
    /// </summary>
    public bool InterpolatePositions { get; set; }

    /// <summary>The blocks between <c>ln_pre</c> and <c>ln_post</c>.</summary>
    public Transformer Transformer => _transformer;

    /// <summary>Pixels, (B, 3, R, R), normalised → (B, E), not normalised; the pooled (B, D) where the tower has no projection.</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public override Tensor forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return Project(LastHiddenState(pixels).select(1, 0)).MoveToOuterDisposeScope();         // (B, E)
    }

    /// <summary>The class token after the last block, (B, D) → (B, E), or the pooled (B, D) where the tower has no projection.</summary>
    internal Tensor Project(Tensor classToken)
    {
        using var scope = NewDisposeScope();
        var pooled = _lnPost.call(classToken);                                                  // (B, D)
        return (_projection is null ? pooled : pooled.mm(_projection)).MoveToOuterDisposeScope(); // (B, E)
    }

    /// <summary>Pixels, (B, 3, R, R) → the class token after <c>ln_post</c>, (B, D): Hugging Face's <c>pooler_output</c>.</summary>
    public Tensor Pooled(Tensor pixels, Trace? trace = null)
    {
        using var scope = NewDisposeScope();
        return _lnPost.call(LastHiddenState(pixels, trace).select(1, 0)).MoveToOuterDisposeScope(); // (B, D)
    }

    /// <summary>Pixels, (B, 3, R, R) → the tokens after the last block, before <c>ln_post</c>, (B, N, D): Hugging Face's <c>last_hidden_state</c>.</summary>
    /// <param name="pixels">(B, 3, R, R), normalised.</param>
    /// <param name="trace">Gets all hidden states and attention maps.</param>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public Tensor LastHiddenState(Tensor pixels, Trace? trace = null)
    {
        using var scope = NewDisposeScope();
        return _transformer.Run(Embed(pixels), trace).MoveToOuterDisposeScope();                // (B, N, D)
    }

    /// <summary>Pixels, (B, 3, R, R) → the patches' embeddings before the class token and the positions, (B, N - 1, D).</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public Tensor EmbedPatches(Tensor pixels)
    {
        Shapes.RequirePixels(pixels, Config, InterpolatePositions);
        using var scope = NewDisposeScope();
        return _patchEmbedding.call(pixels).flatten(2).transpose(1, 2).MoveToOuterDisposeScope();   // (B, N - 1, D)
    }

    /// <summary>Pixels, (B, 3, R, R) → the tokens that enter the first block, (B, N, D).</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public Tensor Embed(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return Assemble(EmbedPatches(pixels), pixels.shape[2] / Config.PatchSize, pixels.shape[3] / Config.PatchSize).MoveToOuterDisposeScope(); // (B, N, D)
    }

    /// <summary>The patches' embeddings, (B, N - 1, D), of a grid of rows · columns → class token before them, positions and <c>ln_pre</c>, (B, N, D).</summary>
    internal Tensor Assemble(Tensor patches, long rows, long columns)
    {
        using var scope = NewDisposeScope();
        var classToken = _classEmbedding.expand(patches.shape[0], 1, -1);                       // (B, 1, D)
        return _lnPre.call(cat([classToken, patches], 1).Plus(PositionsFor(rows, columns))).MoveToOuterDisposeScope(); // (B, N, D)
    }

    /// <summary>The position embeddings of the class token and a grid of patches, (N, D).</summary>
    internal Tensor PositionsFor(long rows, long columns) => PositionEmbedding.Interpolate(_positionalEmbedding, 1, rows, columns);
}
