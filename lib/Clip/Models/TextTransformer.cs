using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// CLIP's text tower (paper, section 2.4): causal pre-norm blocks, pooled at the end-of-text token. Alone it is Hugging Face's <c>CLIPTextModelWithProjection</c>, and without a projection its
/// <c>CLIPTextModel</c> (<c>ClipCheckpoint.TextFromPretrained</c>).
/// </summary>
public sealed class TextTransformer : Module<Tensor, Tensor>
{
    [ComponentName(Name = "positional_embedding")] private Parameter _positionalEmbedding;
    [ComponentName(Name = "text_projection")] private Parameter? _projection;
    [ComponentName(Name = "transformer")] private readonly Transformer _transformer;
    [ComponentName(Name = "token_embedding")] private readonly Embedding _tokenEmbedding;
    [ComponentName(Name = "ln_final")] private readonly LayerNorm _lnFinal;

    /// <summary>A text tower with fresh weights.</summary>
    /// <param name="config">The whole model's shape.</param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">A value of the shape is out of its range.</exception>
    public TextTransformer(ClipConfig config, Device? device = null) : this(ClipConfig.Valid(config).Text, config.TextBlock with { Device = device }, config.EmbeddingWidth)
    {
    }

    /// <summary>A tower by itself, with a projection or without.</summary>
    internal TextTransformer(TextConfig config, BlockShape shape, int? embeddingWidth) : base(nameof(TextTransformer))
    {
        config.Validate();
        Config = config;
        _transformer = new Transformer(shape, config.Layers, causal: true);
        _tokenEmbedding = Embedding(config.VocabularySize, config.Width, device: shape.Device);
        _positionalEmbedding = new Parameter(empty(config.ContextLength, config.Width, device: shape.Device));
        _lnFinal = LayerNorm(config.Width, shape.LayerNormEpsilon, device: shape.Device);
        init.normal_(_tokenEmbedding.get_parameter("weight")!, 0, 0.02);
        init.normal_(_positionalEmbedding, 0, 0.01);
        if (embeddingWidth is { } width)
        {
            _projection = new Parameter(empty(config.Width, width, device: shape.Device));
            init.normal_(_projection, 0, Math.Pow(config.Width, -0.5));
        }
        RegisterComponents();
    }

    /// <summary>The shape.</summary>
    public TextConfig Config { get; }

    /// <summary>Whether there is a projection into the shared space.</summary>
    public bool HasProjection => _projection is not null;

    /// <summary>Takes over the parameters that the model which shares them has converted or moved.</summary>
    internal void Share(Parameter positionalEmbedding, Parameter projection)
    {
        (_positionalEmbedding, _projection) = (positionalEmbedding, projection);
        ConditionallyRegisterParameter("positional_embedding", positionalEmbedding);
        ConditionallyRegisterParameter("text_projection", projection);
    }

    /// <summary>The blocks before <c>ln_final</c>.</summary>
    public Transformer Transformer => _transformer;

    /// <summary>
    /// Token ids, (B, L), int64, L up to the context length → (B, E), not normalised; the pooled (B, D) where the tower has no projection. Attention is causal, so positions after the last end token
    /// change nothing: rows may be cut to the longest caption of the batch.
    /// </summary>
    /// <exception cref="ArgumentException">Another shape, or rows longer than the context; the message says which.</exception>
    public override Tensor forward(Tensor ids)
    {
        using var scope = NewDisposeScope();
        var pooled = Pooled(ids);                                                               // (B, D)
        return (_projection is null ? pooled : pooled.mm(_projection)).MoveToOuterDisposeScope(); // (B, E)
    }

    /// <summary>The end-of-text token after the last block, (B, D) → (B, E), or the pooled (B, D) where the tower has no projection.</summary>
    internal Tensor Project(Tensor endToken)
    {
        using var scope = NewDisposeScope();
        var pooled = _lnFinal.call(endToken);                                                   // (B, D)
        return (_projection is null ? pooled : pooled.mm(_projection)).MoveToOuterDisposeScope(); // (B, E)
    }

    /// <summary>Token ids, (B, L) → the end-of-text token after <c>ln_final</c>, (B, D): Hugging Face's <c>pooler_output</c>.</summary>
    public Tensor Pooled(Tensor ids, Trace? trace = null)
    {
        using var scope = NewDisposeScope();
        var x = LastHiddenState(ids, trace);                                                // (B, L, D)
        var end = EndPositions(ids).view(-1, 1, 1).expand(-1, 1, x.shape[2]);               // (B, 1, D)
        return x.gather(1, end).squeeze(1).MoveToOuterDisposeScope();                       // (B, D)
    }

    /// <summary>Token ids, (B, L) → the tokens after <c>ln_final</c>, (B, L, D): Hugging Face's <c>last_hidden_state</c>.</summary>
    /// <param name="ids">(B, L), int64.</param>
    /// <param name="trace">Gets all hidden states and attention maps.</param>
    /// <exception cref="ArgumentException">Another shape, or rows longer than the context.</exception>
    public Tensor LastHiddenState(Tensor ids, Trace? trace = null)
    {
        using var scope = NewDisposeScope();
        var x = _lnFinal.call(_transformer.Run(Embed(ids), trace));                         // (B, L, D)
        trace?.Record("ln_final", x);
        return x.MoveToOuterDisposeScope();
    }

    /// <summary>Token ids, (B, L) → the tokens that enter the first block, (B, L, D).</summary>
    /// <exception cref="ArgumentException">The rows are longer than the context.</exception>
    public Tensor Embed(Tensor ids)
    {
        RequireIds(ids);
        using var scope = NewDisposeScope();
        return _tokenEmbedding.call(ids).Plus(_positionalEmbedding.narrow(0, 0, ids.shape[1])).MoveToOuterDisposeScope();
    }

    /// <summary>Requires this tower's input.</summary>
    /// <exception cref="ArgumentException">Another shape, or rows longer than the context; the message says which.</exception>
    internal void RequireIds(Tensor ids)
    {
        Shapes.Require(ids, "The text tower", "(B, L)", -1, -1);
        if (ids.shape[1] < 1 || ids.shape[1] > Config.ContextLength)
            throw new ArgumentException($"The text tower takes 1 to {Config.ContextLength} tokens a row; it was given {Shapes.Text(ids)}.");
    }

    /// <summary>Where each row is pooled, (B): the first end token, or the largest id where the configuration names none.</summary>
    public Tensor EndPositions(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return (Config.EndOfTextId is { } end ? ids.EqualTo(end).to(int32) : ids).argmax(-1).MoveToOuterDisposeScope();
    }
}
