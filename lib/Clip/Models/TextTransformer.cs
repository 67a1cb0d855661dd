using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// CLIP's text tower (paper, section 2.4): causal pre-norm blocks, pooled at the end-of-text token. Alone it is Hugging Face's
/// <c>CLIPTextModelWithProjection</c>, and without a projection its <c>CLIPTextModel</c> (<c>ClipCheckpoint.TextFromPretrained</c>). Other
/// families' towers, BERT's too, are this one with other parts, as <see cref="TextConfig"/> says.
/// </summary>
public sealed class TextTransformer : Module<Tensor, Tensor>
{
    [ComponentName(Name = "positional_embedding")] private Parameter _positionalEmbedding;
    [ComponentName(Name = "cls_emb")] private Parameter? _classEmbedding;
    [ComponentName(Name = "text_projection")] private Parameter? _projection;
    [ComponentName(Name = "transformer")] private readonly Transformer _transformer;
    [ComponentName(Name = "token_embedding")] private readonly TokenEmbedding _tokenEmbedding;
    [ComponentName(Name = "token_type_embedding")] private readonly TokenEmbedding? _typeEmbedding;
    [ComponentName(Name = "ln_pre")] private readonly LayerNorm? _lnPre;
    [ComponentName(Name = "ln_final")] private readonly LayerNorm? _lnFinal;
    [ComponentName(Name = "transformation")] private readonly Linear? _transformation;
    [ComponentName(Name = "pooler")] private readonly Linear? _pooler;
    [ComponentName(Name = "text_head")] private readonly Module<Tensor, Tensor>? _head;

    /// <summary>A text tower with fresh weights.</summary>
    /// <param name="config">The whole model's shape.</param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">A value of the shape is out of its range.</exception>
    public TextTransformer(ClipConfig config, Device? device = null)
        : this(ClipConfig.Valid(config).Text, config.TextBlock with { Device = device }, config.EmbeddingWidth)
    {
    }

    /// <summary>A tower by itself, with a projection or without.</summary>
    internal TextTransformer(TextConfig config, BlockShape shape, int? embeddingWidth) : base(nameof(TextTransformer))
    {
        EmbeddingWidth = embeddingWidth;
        config.Validate();
        Config = config;
        var (width, pooled, device) = (config.Width, config.PooledWidth, shape.Device);
        _transformer = new Transformer(shape, config.Layers, config.Causal);
        _tokenEmbedding = new TokenEmbedding(config.VocabularySize, width, device);
        _positionalEmbedding = new Parameter(empty(config.Positions, width, device: device));
        if (config.AppendedClassToken) _classEmbedding = new Parameter(empty(width, device: device));
        if (config.TokenTypes > 0) _typeEmbedding = new TokenEmbedding(config.TokenTypes, width, device);
        if (config.NormBefore) _lnPre = LayerNorm(width, shape.LayerNormEpsilon, device: device);
        if (config.NormAfter) _lnFinal = LayerNorm(width, shape.LayerNormEpsilon, device: device);
        if (config.TransformationWidth is { } transformed) _transformation = Linear(width, transformed, device: device);
        if (config.Pooler) _pooler = Linear(width, width, device: device);
        foreach (var embedding in new[] { _tokenEmbedding, _typeEmbedding }.OfType<TokenEmbedding>())
            init.normal_(embedding.Weight, 0, 0.02);
        foreach (var parameter in new[] { _positionalEmbedding, _classEmbedding }.OfType<Parameter>()) init.normal_(parameter, 0, 0.01);
        if (embeddingWidth is { } E)
            (_projection, _head) = (Projection.Matrix(config.Projection, pooled, E, device),
                Projection.Module(config.Projection, pooled, (pooled + E) / 2, E, hiddenBias: false, device));
        RegisterComponents();
    }

    /// <summary>The shape.</summary>
    public TextConfig Config { get; }

    /// <summary>E; null for a tower by itself without a projection.</summary>
    internal int? EmbeddingWidth { get; }

    /// <summary>Whether there is a projection into the shared space.</summary>
    public bool HasProjection => _projection is not null || _head is not null;

    internal IEnumerable<Parameter> ProjectionParameters => Projection.Parameters(_projection, _head);

    /// <summary>Replaces the parameters that this tower shares with its model, after the model has converted or moved them.</summary>
    internal void Share(Parameter positionalEmbedding, Parameter? projection, Parameter? classEmbedding)
    {
        (_positionalEmbedding, _projection, _classEmbedding) = (positionalEmbedding, projection, classEmbedding);
        ConditionallyRegisterParameter("positional_embedding", positionalEmbedding);
        if (projection is not null) ConditionallyRegisterParameter("text_projection", projection);
        if (classEmbedding is not null) ConditionallyRegisterParameter("cls_emb", classEmbedding);
    }

    /// <summary>The blocks before <c>ln_final</c>.</summary>
    public Transformer Transformer => _transformer;

    /// <summary>
    /// Token ids, (B, L), int64, L up to the context length → (B, E), not normalised; the pooled (B, D) where the tower has no projection,
    /// and (B, L, E) where it does not pool. Rows may be cut to the longest caption of the batch unless
    /// <see cref="TextConfig.NeedsFullRows"/> is true: with causal attention, positions after the end token change nothing.
    /// </summary>
    /// <exception cref="ArgumentException">The shape does not fit, or rows are longer than the context; the message says which.</exception>
    public override Tensor forward(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return Projection.Apply(Pooled(ids), _projection, _head).MoveToOuterDisposeScope();     // (B, E)
    }

    /// <summary>
    /// The end-of-text token after the last block, (B, D) → (B, E), or the pooled (B, D) where the tower has no projection.
    /// </summary>
    internal Tensor Project(Tensor endToken)
    {
        using var scope = NewDisposeScope();
        return Projection.Apply(After(endToken), _projection, _head).MoveToOuterDisposeScope(); // (B, E)
    }

    /// <summary>
    /// Token ids, (B, L) → the end-of-text token after <c>ln_final</c>, (B, D), or what the tower pools: Hugging Face's
    /// <c>pooler_output</c>.
    /// </summary>
    /// <exception cref="ArgumentException">The shape does not fit, or rows are longer than the context; the message says which.</exception>
    public Tensor Pooled(Tensor ids, Trace? trace = null)
    {
        using var scope = NewDisposeScope();
        return Pool(LastHiddenState(ids, trace), ids).MoveToOuterDisposeScope();            // (B, D)
    }

    /// <summary>The tokens after the last block, (B, L, D), of these ids → pooled and projected, (B, E).</summary>
    internal Tensor Finish(Tensor tokens, Tensor ids)
    {
        using var scope = NewDisposeScope();
        return Projection.Apply(Pool(After(tokens), ids), _projection, _head).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The tokens after <c>ln_final</c>, (B, L, D) → the pooled token, (B, D), or all tokens where the tower does not pool.
    /// </summary>
    private Tensor Pool(Tensor x, Tensor ids)
    {
        using var scope = NewDisposeScope();
        if (Config.Pooling == TextPooling.None) return x.alias().MoveToOuterDisposeScope();
        if (Config.Pooling == TextPooling.Mean)
        {
            var counted = ids.EqualTo(Config.PaddingId).logical_not().to(x.dtype).unsqueeze(-1);    // (B, L, 1)
            return ((x * counted).sum([1]) / counted.sum([1])).MoveToOuterDisposeScope();
        }
        var end = EndPositions(ids).view(-1, 1, 1).expand(-1, 1, x.shape[2]);               // (B, 1, D)
        var pooled = x.gather(1, end).squeeze(1);
        return (_pooler is null ? pooled : _pooler.call(pooled).tanh()).MoveToOuterDisposeScope(); // (B, D)
    }

    /// <summary>Token ids, (B, L) → the tokens after <c>ln_final</c>, (B, L, D): Hugging Face's <c>last_hidden_state</c>.</summary>
    /// <param name="ids">(B, L), int64.</param>
    /// <param name="trace">Gets all hidden states and attention maps.</param>
    /// <exception cref="ArgumentException">The shape does not fit, or rows are longer than the context.</exception>
    public Tensor LastHiddenState(Tensor ids, Trace? trace = null)
    {
        using var scope = NewDisposeScope();
        var tokens = Embed(ids);
        var x = After(_transformer.Run(tokens, trace, new AttentionInputs(Mask(ids, tokens.dtype))));   // (B, L, D)
        trace?.Record("ln_final", x);
        return x.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Token ids, (B, L) → the tokens that enter the first block, (B, L, D), or (B, L + 1, D) with an appended class token.
    /// </summary>
    /// <exception cref="ArgumentException">The rows are longer than the context.</exception>
    public Tensor Embed(Tensor ids)
    {
        RequireIds(ids);
        using var scope = NewDisposeScope();
        var x = _tokenEmbedding.call(ids);                                                  // (B, L, D)
        if (_classEmbedding is not null) x = cat([x, _classEmbedding.expand(ids.shape[0], 1, -1)], 1);
        x = x.Plus(Config.PositionsSkipPadding ? SkippingPositions(ids) : _positionalEmbedding.narrow(0, 0, x.shape[1]));
        if (_typeEmbedding is not null) x = x.Plus(_typeEmbedding.Weight.narrow(0, 0, 1));
        return (_lnPre is null ? x : _lnPre.call(x)).MoveToOuterDisposeScope();
    }

    /// <summary>Requires this tower's input.</summary>
    /// <exception cref="ArgumentException">The shape does not fit, or rows are longer than the context; the message says which.</exception>
    internal void RequireIds(Tensor ids)
    {
        Shapes.Require(ids, "The text tower", "(B, L)", -1, -1);
        if (Config.NeedsFullRows && ids.shape[1] != Config.ContextLength)
            throw new ArgumentException($"This text tower sees the padding, so that every row is filled up to {Config.ContextLength} " +
                $"tokens with the id {Config.PaddingId}; it was given {Shapes.Text(ids)}.");
        if (ids.shape[1] < 1 || ids.shape[1] > Config.ContextLength)
            throw new ArgumentException($"The text tower takes 1 to {Config.ContextLength} tokens a row; it was given {Shapes.Text(ids)}.");
    }

    /// <summary>
    /// The position at which each row is pooled, (B), int64: that of the first end token, or of the largest id where the configuration
    /// names no end token. Towers that pool the first token give 0, all others the last position.
    /// </summary>
    public Tensor EndPositions(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return (Config.Pooling switch
        {
            TextPooling.First => zeros(ids.shape[0], dtype: int64, device: ids.device),
            TextPooling.Last or TextPooling.Mean or TextPooling.None =>
                zeros(ids.shape[0], dtype: int64, device: ids.device).Plus(ids.shape[1] - (Config.AppendedClassToken ? 0 : 1)),
            _ => (Config.EndOfTextId is { } end ? ids.EqualTo(end).to(int32) : ids).argmax(-1),
        }).MoveToOuterDisposeScope();
    }

    /// <summary>Applies <c>ln_final</c> and the linear layer before pooling, where the tower has them.</summary>
    private Tensor After(Tensor x)
    {
        if (_lnFinal is not null) x = _lnFinal.call(x);
        if (_transformation is not null) x = _transformation.call(x);
        return ReferenceEquals(_lnFinal ?? (object?)_transformation, null) ? x.alias() : x;
    }

    /// <summary>
    /// The attention mask that hides padding, (B, 1, 1, L); null where nothing is hidden. With an appended class token, (B, 1, 1, L + 1),
    /// position j is hidden where id j − 1 is padding: OpenCLIP extends its mask at the wrong end, and CoCa's published weights were
    /// trained that way.
    /// </summary>
    internal Tensor? Mask(Tensor ids, ScalarType dtype)
    {
        if (!Config.MaskPadding && !Config.AppendedClassToken) return null;
        using var scope = NewDisposeScope();
        var padding = ids.EqualTo(Config.PaddingId);                                        // (B, L)
        if (Config.AppendedClassToken) padding = cat([zeros_like(padding.narrow(1, 0, 1)), padding], 1);    // (B, L + 1)
        return AttentionInputs.Hide(padding, dtype).MoveToOuterDisposeScope();              // (B, 1, 1, L)
    }

    /// <summary>
    /// Embeddings of positions that number only the tokens that are not padding, from <see cref="TextConfig.PaddingId"/> + 1: (B, L, D).
    /// </summary>
    private Tensor SkippingPositions(Tensor ids)
    {
        using var scope = NewDisposeScope();
        var counted = ids.EqualTo(Config.PaddingId).logical_not().to(int64);                // (B, L)
        var rows = (counted.cumsum(1) * counted).Plus(Config.PaddingId);
        return _positionalEmbedding.index_select(0, rows.flatten()).view(ids.shape[0], ids.shape[1], -1).MoveToOuterDisposeScope();
    }
}
