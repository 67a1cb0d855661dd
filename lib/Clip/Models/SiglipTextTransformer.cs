using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// SigLIP's text tower: pre-norm blocks in which every token sees every other, the padding too; pooled at the last position and projected with a bias (Hugging Face's <c>SiglipTextModel</c>).
/// </summary>
public sealed class SiglipTextTransformer : Module<Tensor, Tensor>
{
    [ComponentName(Name = "positional_embedding")] private readonly Parameter _positionalEmbedding;
    [ComponentName(Name = "token_embedding")] private readonly Embedding _tokenEmbedding;
    [ComponentName(Name = "transformer")] private readonly Transformer _transformer;
    [ComponentName(Name = "ln_final")] private readonly LayerNorm _lnFinal;
    [ComponentName(Name = "text_projection")] private readonly Linear _projection;

    /// <summary>A text tower with fresh weights.</summary>
    /// <param name="config">The whole model's shape.</param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">A value of the shape is out of its range.</exception>
    public SiglipTextTransformer(SiglipConfig config, Device? device = null) : base(nameof(SiglipTextTransformer))
    {
        Config = SiglipConfig.Valid(config).Text;
        _tokenEmbedding = Embedding(Config.VocabularySize, Config.Width, device: device);
        _positionalEmbedding = new Parameter(empty(Config.ContextLength, Config.Width, device: device));
        _transformer = new Transformer(config.TextBlock with { Device = device }, Config.Layers, causal: false);
        _lnFinal = LayerNorm(Config.Width, config.LayerNormEpsilon, device: device);
        _projection = Linear(Config.Width, config.EmbeddingWidth, device: device);
        init.normal_(_tokenEmbedding.get_parameter("weight")!, 0, 0.02);
        init.normal_(_positionalEmbedding, 0, 0.01);
        RegisterComponents();
    }

    /// <summary>The shape.</summary>
    public TextConfig Config { get; }

    /// <summary>The blocks before <c>ln_final</c>.</summary>
    public Transformer Transformer => _transformer;

    /// <summary>Token ids, (B, L), int64, filled up to the context length L (<see cref="SiglipModel.PadTokens"/>) → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">Rows of another length: they would silently give other embeddings than the model was trained for.</exception>
    public override Tensor forward(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return _projection.call(LastHiddenState(ids).select(1, -1)).MoveToOuterDisposeScope();      // (B, E)
    }

    /// <summary>Token ids, (B, L) → the tokens after <c>ln_final</c>, (B, L, D): Hugging Face's <c>last_hidden_state</c>.</summary>
    /// <param name="ids">(B, L), int64, L being the context length.</param>
    /// <param name="trace">Gets all hidden states and attention maps.</param>
    /// <exception cref="ArgumentException">Rows of another length.</exception>
    public Tensor LastHiddenState(Tensor ids, Trace? trace = null)
    {
        Shapes.Require(ids, "SigLIP's text tower (SiglipModel.PadTokens fills rows up)", "(B, L)", -1, Config.ContextLength);
        using var scope = NewDisposeScope();
        var x = _tokenEmbedding.call(ids).Plus(_positionalEmbedding);                               // (B, L, D)
        return _lnFinal.call(_transformer.Run(x, trace)).MoveToOuterDisposeScope();
    }
}
