using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>An image tower without its projection, for <see cref="SimpleClip"/>: its output is the class token after <c>ln_post</c>,
/// or what the tower pools.</summary>
public sealed class VisionEncoder : Module<Tensor, Tensor>
{
    [ComponentName(Name = "tower")] private readonly VisionTransformer _tower;

    /// <summary>An encoder around a tower, whose projection is then not used and not trained.</summary>
    /// <param name="tower">The tower; this module then owns it.</param>
    public VisionEncoder(VisionTransformer tower) : base(nameof(VisionEncoder))
    {
        ArgumentNullException.ThrowIfNull(tower);
        _tower = tower;
        foreach (var parameter in tower.ProjectionParameters) parameter.requires_grad = false;
        RegisterComponents();
    }

    /// <summary>Pixels, (B, 3, R, R), normalised → (B, D), not normalised.</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public override Tensor forward(Tensor input) => _tower.Pooled(input);
}
