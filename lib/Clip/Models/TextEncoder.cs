using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>A text tower without its projection, for <see cref="SimpleClip"/>: its output is the end-of-text token after <c>ln_final</c>,
/// or what the tower pools.</summary>
public sealed class TextEncoder : Module<Tensor, Tensor>
{
    [ComponentName(Name = "tower")] private readonly TextTransformer _tower;

    /// <summary>An encoder around a tower, whose projection is then not used and not trained.</summary>
    /// <param name="tower">The tower; this module then owns it.</param>
    public TextEncoder(TextTransformer tower) : base(nameof(TextEncoder))
    {
        ArgumentNullException.ThrowIfNull(tower);
        _tower = tower;
        foreach (var parameter in tower.ProjectionParameters) parameter.requires_grad = false;
        RegisterComponents();
    }

    /// <summary>Token ids, (B, L), int64 → (B, D), not normalised.</summary>
    /// <exception cref="ArgumentException">The shape does not fit, or rows are longer than the context; the message says which.</exception>
    public override Tensor forward(Tensor input) => _tower.Pooled(input);
}
