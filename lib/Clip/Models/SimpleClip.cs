using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// A minimal dual encoder: any two encoders, each with a linear projection to embeddings of length 1, and one learned scale. Takes
/// <see cref="VisionEncoder"/> and <see cref="TextEncoder"/>, or modules of your own with the same shapes.
/// </summary>
public sealed class SimpleClip : Module<Tensor, Tensor, (Tensor LogitsPerImage, Tensor LogitsPerText)>
{
    [ComponentName(Name = "vision_encoder")] private readonly Module<Tensor, Tensor> _visionEncoder;
    [ComponentName(Name = "text_encoder")] private readonly Module<Tensor, Tensor> _textEncoder;
    [ComponentName(Name = "vision_projection")] private readonly Linear _visionProjection;
    [ComponentName(Name = "text_projection")] private readonly Linear _textProjection;
    [ComponentName(Name = "logit_scale")] private readonly Parameter _logitScale;

    /// <summary>Two encoders and fresh projections.</summary>
    /// <param name="visionEncoder">Images → (B, <paramref name="visionWidth"/>). This module then owns it.</param>
    /// <param name="textEncoder">Token ids → (B, <paramref name="textWidth"/>). This module then owns it.</param>
    /// <param name="embeddingWidth">E, the width of the shared space.</param>
    /// <param name="visionWidth">The width of an image's features.</param>
    /// <param name="textWidth">The width of a text's features.</param>
    /// <exception cref="ArgumentOutOfRangeException">A width is below 1.</exception>
    public SimpleClip(Module<Tensor, Tensor> visionEncoder, Module<Tensor, Tensor> textEncoder, int embeddingWidth = 512,
        int visionWidth = 768, int textWidth = 512)
        : base(nameof(SimpleClip))
    {
        ArgumentNullException.ThrowIfNull(visionEncoder);
        ArgumentNullException.ThrowIfNull(textEncoder);
        ArgumentOutOfRangeException.ThrowIfLessThan(embeddingWidth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(visionWidth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(textWidth, 1);
        (_visionEncoder, _textEncoder) = (visionEncoder, textEncoder);
        _visionProjection = Linear(visionWidth, embeddingWidth, hasBias: false);
        _textProjection = Linear(textWidth, embeddingWidth, hasBias: false);
        _logitScale = new Parameter(tensor((float)Math.Log(1 / 0.07)));
        RegisterComponents();
    }

    /// <summary>ln(1 / τ), a scalar: its exponential multiplies the cosine similarities.</summary>
    public Parameter LogitScale => _logitScale;

    /// <summary>Images → (B, E), rows of length 1.</summary>
    /// <exception cref="ArgumentException">The encoder gave another width than the projection takes.</exception>
    public Tensor EncodeImage(Tensor images) => Encode(_visionEncoder, _visionProjection, images, "image");

    /// <summary>Token ids → (B, E), rows of length 1.</summary>
    /// <exception cref="ArgumentException">The encoder gave another width than the projection takes.</exception>
    public Tensor EncodeText(Tensor ids) => Encode(_textEncoder, _textProjection, ids, "text");

    /// <summary>B images and T texts → cosine similarities times exp(LogitScale): (B, T), and its transpose (T, B).</summary>
    public override (Tensor LogitsPerImage, Tensor LogitsPerText) forward(Tensor images, Tensor ids)
    {
        using var scope = NewDisposeScope();
        var logitsPerImage = _logitScale.exp() * EncodeImage(images).mm(EncodeText(ids).t());   // (B, T)
        return (logitsPerImage.MoveToOuterDisposeScope(), logitsPerImage.t().MoveToOuterDisposeScope());
    }

    private static Tensor Encode(Module<Tensor, Tensor> encoder, Linear projection, Tensor input, string which)
    {
        using var scope = NewDisposeScope();
        var features = encoder.call(input);                                                     // (B, width)
        Shapes.Require(features, $"The {which} projection", "(B, width)", -1, projection.weight!.shape[1]);
        return functional.normalize(projection.call(features), p: 2, dim: -1).MoveToOuterDisposeScope(); // (B, E)
    }
}
