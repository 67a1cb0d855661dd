using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>x · sigmoid(1.702 x), the approximation of GELU that OpenAI's models were trained with (openai/CLIP <c>model.py</c>).</summary>
public sealed class QuickGELU() : Module<Tensor, Tensor>(nameof(QuickGELU))
{
    /// <summary>Any shape → the same.</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return (input * sigmoid(input.Times(1.702))).MoveToOuterDisposeScope();
    }
}
