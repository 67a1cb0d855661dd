using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// A table of vectors, one for each token id. Replaces <c>nn.Embedding</c>, which fills its table on the CPU even for the <c>meta</c>
/// device; with a large vocabulary that took longer than reading the weights that then replace it.
/// </summary>
internal sealed class TokenEmbedding : Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;

    /// <param name="rows">V, how many ids there are.</param>
    /// <param name="width">D.</param>
    /// <param name="device">Where the table is made.</param>
    internal TokenEmbedding(long rows, long width, Device? device) : base(nameof(TokenEmbedding))
    {
        _weight = new Parameter(empty(rows, width, device: device));
        init.normal_(_weight);                                                              // as nn.Embedding: seeded models stay the same
        RegisterComponents();
    }

    /// <summary>(V, D).</summary>
    internal Parameter Weight => _weight;

    /// <summary>Ids (B, L) → (B, L, D).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _weight.index_select(0, input.flatten()).view([.. input.shape, _weight.shape[1]]).MoveToOuterDisposeScope();
    }
}
