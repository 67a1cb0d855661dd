using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>A text tower without its projection, for <see cref="SimpleClip"/>: its output is the end-of-text token after <c>ln_final</c>.</summary>
public sealed class TextEncoder : Module<Tensor, Tensor>
{
    [ComponentName(Name = "tower")] private readonly TextTransformer _tower;

    /// <summary>An encoder around a tower, whose <c>text_projection</c> is then not used and not trained.</summary>
    /// <param name="tower">The tower; becomes this module's.</param>
    public TextEncoder(TextTransformer tower) : base(nameof(TextEncoder))
    {
        ArgumentNullException.ThrowIfNull(tower);
        _tower = tower;
        if (tower.HasProjection) tower.get_parameter("text_projection")!.requires_grad = false;
        RegisterComponents();
    }

    /// <summary>Token ids, (B, L), int64 → (B, D), not normalised.</summary>
    public override Tensor forward(Tensor input) => _tower.Pooled(input);
}
