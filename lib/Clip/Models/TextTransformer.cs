using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>CLIP's text tower (paper, section 2.4): causal pre-norm blocks, pooled at the end-of-text token.</summary>
public sealed class TextTransformer : Module<Tensor, Tensor>
{
    [ComponentName(Name = "positional_embedding")] private Parameter _positionalEmbedding;
    [ComponentName(Name = "text_projection")] private Parameter _projection;
    [ComponentName(Name = "transformer")] private readonly Transformer _transformer;
    [ComponentName(Name = "token_embedding")] private readonly Embedding _tokenEmbedding;
    [ComponentName(Name = "ln_final")] private readonly LayerNorm _lnFinal;
    private readonly TextConfig _config;

    /// <summary>A text tower with fresh weights.</summary>
    /// <param name="config">The whole model's shape.</param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">A value of the shape is out of its range.</exception>
    public TextTransformer(ClipConfig config, Device? device = null) : base(nameof(TextTransformer))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        _config = config.Text;
        _transformer = new Transformer(config.TextBlock with { Device = device }, _config.Layers, causal: true);
        _tokenEmbedding = Embedding(_config.VocabularySize, _config.Width, device: device);
        _positionalEmbedding = new Parameter(empty(_config.ContextLength, _config.Width, device: device));
        _lnFinal = LayerNorm(_config.Width, config.LayerNormEpsilon, device: device);
        _projection = new Parameter(empty(_config.Width, config.EmbeddingWidth, device: device));
        init.normal_(_tokenEmbedding.get_parameter("weight")!, 0, 0.02);
        init.normal_(_positionalEmbedding, 0, 0.01);
        init.normal_(_projection, 0, Math.Pow(_config.Width, -0.5));
        RegisterComponents();
    }

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
    /// Token ids, (B, L), int64, L up to the context length → (B, E), not normalised. Attention is causal, so positions after the last end
    /// token change nothing: rows may be cut to the longest caption of the batch.
    /// </summary>
    public override Tensor forward(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return Pooled(ids).mm(_projection).MoveToOuterDisposeScope();                           // (B, E)
    }

    /// <summary>Token ids, (B, L) → the end-of-text token after <c>ln_final</c>, (B, D): Hugging Face's <c>pooler_output</c>.</summary>
    public Tensor Pooled(Tensor ids, Trace? trace = null)
    {
        using var scope = NewDisposeScope();
        var x = _lnFinal.call(_transformer.Run(Embed(ids), trace));                         // (B, L, D)
        trace?.Record("ln_final", x);
        var end = EndPositions(ids).view(-1, 1, 1).expand(-1, 1, x.shape[2]);               // (B, 1, D)
        return x.gather(1, end).squeeze(1).MoveToOuterDisposeScope();                       // (B, D)
    }

    /// <summary>Token ids, (B, L) → the tokens that enter the first block, (B, L, D).</summary>
    /// <exception cref="ArgumentException">The rows are longer than the context.</exception>
    public Tensor Embed(Tensor ids)
    {
        Shapes.Require(ids, "The text tower", "(B, L)", -1, -1);
        long length = ids.shape[1];
        if (length < 1 || length > _config.ContextLength)
            throw new ArgumentException($"The text tower takes 1 to {_config.ContextLength} tokens a row; it was given {Shapes.Text(ids)}.");
        using var scope = NewDisposeScope();
        return _tokenEmbedding.call(ids).Plus(_positionalEmbedding.narrow(0, 0, length)).MoveToOuterDisposeScope();
    }

    /// <summary>Where each row is pooled, (B): the first end token, or the largest id where the configuration names none.</summary>
    public Tensor EndPositions(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return (_config.EndOfTextId is { } end ? ids.EqualTo(end).to(int32) : ids).argmax(-1).MoveToOuterDisposeScope();
    }
}
