using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>SigLIP's image tower: patches, pre-norm blocks, attention pooling; no class token, no norm before the blocks, no projection (Hugging Face's <c>SiglipVisionModel</c>).</summary>
public sealed class SiglipVisionTransformer : Module<Tensor, Tensor>
{
    [ComponentName(Name = "positional_embedding")] private readonly Parameter _positionalEmbedding;
    [ComponentName(Name = "conv1")] private readonly Conv2d _patchEmbedding;
    [ComponentName(Name = "transformer")] private readonly Transformer _transformer;
    [ComponentName(Name = "ln_post")] private readonly LayerNorm _lnPost;
    [ComponentName(Name = "attn_pool")] private readonly SiglipAttentionPool _pool;

    /// <summary>An image tower with fresh weights.</summary>
    /// <param name="config">The whole model's shape.</param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">A value of the shape is out of its range.</exception>
    public SiglipVisionTransformer(SiglipConfig config, Device? device = null) : base(nameof(SiglipVisionTransformer))
    {
        Config = SiglipConfig.Valid(config).Vision;
        var shape = config.VisionBlock with { Device = device };
        _patchEmbedding = Conv2d(3, Config.Width, kernel_size: Config.PatchSize, stride: Config.PatchSize, device: device);
        _positionalEmbedding = new Parameter(empty(Config.Grid * Config.Grid, Config.Width, device: device));
        _transformer = new Transformer(shape, Config.Layers, causal: false);
        _lnPost = LayerNorm(Config.Width, config.LayerNormEpsilon, device: device);
        _pool = new SiglipAttentionPool(shape);
        init.normal_(_positionalEmbedding, 0, Math.Pow(Config.Width, -0.5));
        RegisterComponents();
    }

    /// <summary>The shape.</summary>
    public VisionConfig Config { get; }

    /// <summary>Whether images of other sizes than R are taken, also oblong ones, with interpolated position embeddings (see <see cref="VisionTransformer.InterpolatePositions"/>). Off at first.</summary>
    public bool InterpolatePositions { get; set; }

    /// <summary>The blocks before <c>ln_post</c>.</summary>
    public Transformer Transformer => _transformer;

    /// <summary>Pixels, (B, 3, R, R), normalised → (B, D), not normalised: Hugging Face's <c>pooler_output</c> and its image features.</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public override Tensor forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return _pool.call(LastHiddenState(pixels)).MoveToOuterDisposeScope();                       // (B, D)
    }

    /// <summary>Pixels, (B, 3, R, R) → the patches after <c>ln_post</c>, (B, N, D) for N = (R / P)²: Hugging Face's <c>last_hidden_state</c>.</summary>
    /// <param name="pixels">(B, 3, R, R), normalised.</param>
    /// <param name="trace">Gets all hidden states and attention maps.</param>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public Tensor LastHiddenState(Tensor pixels, Trace? trace = null)
    {
        using var scope = NewDisposeScope();
        return _lnPost.call(_transformer.Run(Embed(pixels), trace)).MoveToOuterDisposeScope();      // (B, N, D)
    }

    /// <summary>Pixels, (B, 3, R, R) → the patches that enter the first block, (B, N, D).</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public Tensor Embed(Tensor pixels)
    {
        Shapes.RequirePixels(pixels, Config, InterpolatePositions);
        using var scope = NewDisposeScope();
        var x = _patchEmbedding.call(pixels).flatten(2).transpose(1, 2);                            // (B, N, D)
        var positions = PositionEmbedding.Interpolate(_positionalEmbedding, 0, pixels.shape[2] / Config.PatchSize, pixels.shape[3] / Config.PatchSize); // (N, D)
        return x.Plus(positions).MoveToOuterDisposeScope();
    }
}
