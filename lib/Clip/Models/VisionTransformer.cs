using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// CLIP's image tower (paper, section 2.4): patches, a class token, pre-norm blocks, a projection. Alone it is Hugging Face's
/// <c>CLIPVisionModelWithProjection</c>, and without a projection its <c>CLIPVisionModel</c> (<c>ClipCheckpoint.VisionFromPretrained</c>).
/// Other families' towers are this one with other parts, as <see cref="VisionConfig"/> says.
/// </summary>
public sealed class VisionTransformer : Module<Tensor, Tensor>
{
    [ComponentName(Name = "class_embedding")] private readonly Parameter? _classEmbedding;
    [ComponentName(Name = "positional_embedding")] private readonly Parameter? _positionalEmbedding;
    [ComponentName(Name = "proj")] private readonly Parameter? _projection;
    [ComponentName(Name = "conv1")] private readonly Module<Tensor, Tensor> _patchEmbedding;
    [ComponentName(Name = "ln_pre")] private readonly LayerNorm? _lnPre;
    [ComponentName(Name = "transformer")] private readonly Transformer _transformer;
    [ComponentName(Name = "attn_pool")] private readonly Module<Tensor, Tensor>? _pool;
    [ComponentName(Name = "ln_post")] private readonly LayerNorm _lnPost;
    [ComponentName(Name = "head")] private readonly Module<Tensor, Tensor>? _head;

    /// <summary>An image tower with fresh weights.</summary>
    /// <param name="config">The whole model's shape.</param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">A value of the shape is out of its range.</exception>
    public VisionTransformer(ClipConfig config, Device? device = null)
        : this(ClipConfig.Valid(config).Vision, config.VisionBlock with { Device = device }, config.EmbeddingWidth)
    {
    }

    /// <summary>A tower by itself, with a projection or without.</summary>
    internal VisionTransformer(VisionConfig config, BlockShape shape, int? embeddingWidth) : base(nameof(VisionTransformer))
    {
        EmbeddingWidth = embeddingWidth;
        config.Validate();
        if (!config.IsTransformer) throw new ArgumentException("Vision.Stages or Vision.Convolutional is set: the configuration is a " +
            "convolutional tower's.");
        Config = config;
        var (width, device, pool) = (config.Width, shape.Device, config.AttentionPool);
        double scale = Math.Pow(width, -0.5);
        _patchEmbedding = Stem(config, shape);
        if (config.ClassToken) _classEmbedding = new Parameter(empty(width, device: device));
        if (config.Positions) _positionalEmbedding =
            new Parameter(empty(config.ClassPosition ? config.Tokens : config.Grid * config.Grid, width, device: device));
        if (config.NormBefore) _lnPre = LayerNorm(width, shape.LayerNormEpsilon, device: device);
        _transformer = new Transformer(shape, config.Layers, causal: false);
        if (pool?.MlpWidth is { } hidden) _pool =
            new QueryPool(shape with { Heads = pool.Heads, MlpWidth = hidden, Options = BlockOptions.Clip });
        else if (pool is not null) _pool = new CocaPool(pool, width, embeddingWidth ?? width, device);
        int pooled = _pool is CocaPool ? embeddingWidth ?? width : width;
        _lnPost = LayerNorm(pooled, shape.LayerNormEpsilon, device: device);
        if (embeddingWidth is { } embedding)
            (_projection, _head) = (Projection.Matrix(config.Projection, pooled, embedding, device),
                Projection.Module(config.Projection, pooled, 2 * embedding, embedding, hiddenBias: true, device));
        foreach (var parameter in new[] { _classEmbedding, _positionalEmbedding }.OfType<Parameter>()) init.normal_(parameter, 0, scale);
        RegisterComponents();
    }

    /// <summary>The shape.</summary>
    public VisionConfig Config { get; }

    /// <summary>E; null for a tower by itself without a projection.</summary>
    internal int? EmbeddingWidth { get; }

    /// <summary>Whether there is a projection into the shared space.</summary>
    public bool HasProjection => _projection is not null || _head is not null;

    internal IEnumerable<Parameter> ProjectionParameters => Projection.Parameters(_projection, _head);

    /// <summary>
    /// Whether images of sizes other than R × R are accepted, also oblong ones. The position embeddings are then interpolated (bicubic, as
    /// Hugging Face's <c>interpolate_pos_encoding</c>), and pixels past the last whole patch are ignored; with the stem
    /// <see cref="PatchStem.InvertedResiduals"/> both sides must be multiples of a patch. False by default.
    /// </summary>
    public bool InterpolatePositions { get; set; }

    /// <summary>The blocks between <c>ln_pre</c> and <c>ln_post</c>.</summary>
    public Transformer Transformer => _transformer;

    /// <summary>
    /// Pixels, (B, 3, R, R), normalised → (B, E), not normalised; the pooled (B, D) where the tower has no projection, and (B, N, E) where
    /// it does not pool. A tower of SigLIP 2 NaFlex also takes (B, N, 3 P² + 2): patches with their grid positions, as the image transform
    /// makes them.
    /// </summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public override Tensor forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var (x, mask) = Tokens(pixels, null);
        return Finish(x, mask).MoveToOuterDisposeScope();                                                           // (B, E)
    }

    /// <summary>The class token after the last block, (B, D) → (B, E), or the pooled (B, D) where the tower has no projection.</summary>
    internal Tensor Project(Tensor classToken)
    {
        using var scope = NewDisposeScope();
        return Projection.Apply(_lnPost.call(classToken), _projection, _head).MoveToOuterDisposeScope();                // (B, E)
    }

    /// <summary>
    /// Pixels, (B, 3, R, R) → the class token after <c>ln_post</c>, (B, D), or what the tower pools: Hugging Face's <c>pooler_output</c>.
    /// </summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public Tensor Pooled(Tensor pixels, Trace? trace = null)
    {
        using var scope = NewDisposeScope();
        var (x, mask) = Tokens(pixels, trace);
        return Pool(x, mask).MoveToOuterDisposeScope();                                // (B, D)
    }

    /// <summary>
    /// Pixels, (B, 3, R, R) → the tokens after the last block, (B, N, D): Hugging Face's <c>last_hidden_state</c>, which is before
    /// <c>ln_post</c> where one of them is pooled, and after it where a query pools them.
    /// </summary>
    /// <param name="pixels">(B, 3, R, R), normalised.</param>
    /// <param name="trace">Gets all hidden states and attention maps.</param>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public Tensor LastHiddenState(Tensor pixels, Trace? trace = null)
    {
        using var scope = NewDisposeScope();
        var (x, _) = Tokens(pixels, trace);
        return (Config.Pooling == VisionPooling.Query ? _lnPost.call(x) : x).MoveToOuterDisposeScope();
    }

    /// <summary>The tokens after the last block, (B, N, D), and the mask that hides padding, (B, 1, 1, N), or null.</summary>
    private (Tensor Tokens, Tensor? Mask) Tokens(Tensor pixels, Trace? trace)
    {
        var (x, mask) = Enter(pixels);
        var rotary = Config.Rotary is { } turning
            ? RotaryTables.Make(turning, pixels.shape[2] / Config.PatchSize, pixels.shape[3] / Config.PatchSize,
                Config.Width / Config.Heads, x) : null;
        return (_transformer.Run(x, trace, new AttentionInputs(mask, rotary)), mask);
    }

    /// <summary>
    /// Pixels or patches → the tokens that enter the first block, (B, N, D), and the mask that hides padding, (B, 1, 1, N), or null.
    /// </summary>
    internal (Tensor Tokens, Tensor? Mask) Enter(Tensor pixels)
    {
        if (!PatchRows.AreIn(pixels, Config)) return (Embed(pixels), null);
        var (patches, grids) = PatchRows.Apart(pixels, Config);
        return Enter(patches, grids);
    }

    private (Tensor Tokens, Tensor Mask) Enter(Tensor patches, (long Rows, long Columns)[] grids)
    {
        long N = patches.shape[1];
        var x = EmbedFlat(patches).Plus(PositionsFor(grids, N));                                // (B, N, D)
        return (x, AttentionInputs.Hide(PatchRows.IsEmpty(grids, N, x.device), x.dtype));
    }

    /// <summary>The tokens after the last block, (B, N, D) → pooled and projected, (B, E).</summary>
    internal Tensor Finish(Tensor tokens, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        return Projection.Apply(Pool(tokens, mask), _projection, _head).MoveToOuterDisposeScope();
    }

    /// <summary>Pixels, (B, 3, R, R) → the patches' embeddings before the class token and the positions, (B, patches, D).</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public Tensor EmbedPatches(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        if (PatchRows.AreIn(pixels, Config)) return EmbedFlat(PatchRows.Apart(pixels, Config).Patches).MoveToOuterDisposeScope();
        Shapes.RequirePixels(pixels, Config, InterpolatePositions);
        return (Config.Stem == PatchStem.FlatPatches ? EmbedFlat(PatchRows.Cut(pixels, Config.PatchSize))
            : _patchEmbedding.call(pixels).flatten(2).transpose(1, 2)).MoveToOuterDisposeScope();   // (B, patches, D)
    }

    /// <summary>Pixels, (B, 3, R, R) → the tokens that enter the first block, (B, N, D).</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public Tensor Embed(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        // (B, N, D)
        return Assemble(EmbedPatches(pixels), pixels.shape[2] / Config.PatchSize, pixels.shape[3] / Config.PatchSize)
            .MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Patches of images of several shapes, padded to the image with the most patches (SigLIP 2 NaFlex) → (B, E), not normalised.
    /// </summary>
    /// <param name="patches">(B, N, 3 P²): each patch's values in the order row, column, colour.</param>
    /// <param name="shapes">(B, 2), int64: the rows and columns of each image's grid; their product is at most N.</param>
    /// <param name="trace">Gets all hidden states and attention weights.</param>
    /// <exception cref="ArgumentException">The tower takes pixels, or the shapes do not fit.</exception>
    public Tensor EncodePatches(Tensor patches, Tensor shapes, Trace? trace = null)
    {
        var grids = PatchRows.Grids(patches, shapes, Config);
        using var scope = NewDisposeScope();
        var (x, mask) = Enter(patches, grids);
        return Finish(_transformer.Run(x, trace, new AttentionInputs(mask)), mask).MoveToOuterDisposeScope();
    }

    /// <summary>(B, N, 3 P²) → (B, N, D), in the weights' element type.</summary>
    private Tensor EmbedFlat(Tensor patches) => _patchEmbedding.call(patches.to(_positionalEmbedding!.dtype));

    /// <summary>The position embeddings of several grids, each padded to N rows: (B, N, D).</summary>
    private Tensor PositionsFor((long Rows, long Columns)[] grids, long N) => stack(
        [.. grids.Select(grid => PatchRows.Fill(PositionEmbedding.Smooth(_positionalEmbedding!, grid.Rows, grid.Columns), N))], 0);

    /// <summary>
    /// Puts the class token before the embeddings of a grid's patches, adds positions and applies <c>ln_pre</c>, where the tower has them:
    /// (B, rows · columns, D) → (B, N, D).
    /// </summary>
    internal Tensor Assemble(Tensor patches, long rows, long columns)
    {
        using var scope = NewDisposeScope();
        var (x, classToken, positions) = (patches, _classEmbedding?.expand(patches.shape[0], 1, -1), PositionsFor(rows, columns));
        if (positions is not null && !Config.ClassPosition) x = x.Plus(positions);
        if (classToken is not null) x = cat([classToken, x], 1);                                // (B, N, D)
        if (positions is not null && Config.ClassPosition) x = x.Plus(positions);
        return (_lnPre is null ? ReferenceEquals(x, patches) ? x.alias() : x : _lnPre.call(x)).MoveToOuterDisposeScope();
    }

    /// <summary>The position embeddings of the class token and a grid of patches, (N, D).</summary>
    internal Tensor? PositionsFor(long rows, long columns) => _positionalEmbedding is null ? null : Config.Stem == PatchStem.FlatPatches
        ? PositionEmbedding.Smooth(_positionalEmbedding, rows, columns)
        : PositionEmbedding.Interpolate(_positionalEmbedding, Config.ClassToken && Config.ClassPosition ? 1 : 0, rows, columns);

    /// <summary>Tokens after the last block, (B, N, D) → the pooled (B, D), or all of them where the tower does not pool.</summary>
    private Tensor Pool(Tensor x, Tensor? mask)
    {
        if (_pool is CocaPool coca) x = _lnPost.call(coca.call(x));                              // (B, queries, E)
        else if (!Config.NormAfterPooling) x = _lnPost.call(x);
        long first = Config.ClassToken || _pool is CocaPool ? 1 : 0;
        var pooled = Config.Pooling switch
        {
            VisionPooling.Query => ((QueryPool)_pool!).Run(x, mask),
            VisionPooling.Mean => x.narrow(1, first, x.shape[1] - first).mean([1]),
            VisionPooling.None => x,
            _ => x.select(1, 0),
        };
        return Config.NormAfterPooling && _pool is not CocaPool ? _lnPost.call(pooled) : pooled;
    }

    private static Module<Tensor, Tensor> Stem(VisionConfig config, BlockShape shape) => config.Stem switch
    {
        PatchStem.FlatPatches => Linear(3 * config.PatchSize * config.PatchSize, config.Width, device: shape.Device),
        PatchStem.Convolutions => new ConvolutionStem(config.Width, shape.Device),
        PatchStem.InvertedResiduals => new InvertedResidualStem(config.StemWidth!.Value, config.Width, shape.Device),
        _ => Conv2d(3, config.Width, kernel_size: config.PatchSize, stride: config.PatchSize,
            bias: config.Stem == PatchStem.BiasedPatches, device: shape.Device),
    };
}
