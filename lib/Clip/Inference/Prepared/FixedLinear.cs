using ClipNotebooks.Clip.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>A linear layer with fixed weights, fused with what follows it: x → f(x·Wᵀ + b), or x·Wᵀ + b + y.</summary>
internal abstract class FixedLinear : IDisposable
{
    /// <summary>Creates the layer from copies of the weights.</summary>
    /// <param name="weight">(O, I).</param>
    /// <param name="bias">(O).</param>
    /// <param name="then">
    /// f; null for the identity. <see cref="Activation.QuickGelu"/> stands for x · sigmoid(x): its factor is in the weights
    /// (<see cref="BlockWeights"/>).
    /// </param>
    internal static FixedLinear Create(Tensor weight, Tensor bias, Activation? then = null) =>
        UsesOneDnn(weight.dtype, weight.device_type) ? new OneDnnLinear(weight, bias, then) : new PlainLinear(weight, bias, then);

    /// <summary>
    /// Whether products go through oneDNN, on the CPU only, instead of libtorch's own <c>linear</c>. In float16, and in bfloat16 without
    /// AVX-512, libtorch's own is used, with whatever instructions there are.
    /// </summary>
    internal static bool UsesOneDnn(ScalarType dtype, DeviceType device) => device == DeviceType.CPU && dtype switch
    {
        ScalarType.Float16 => false,
        ScalarType.BFloat16 => OneDnnLinear.IsSupportedInBFloat16,
        _ => OneDnnLinear.IsSupported,
    };

    /// <summary>(…, I) → f(x·Wᵀ + b), (…, O).</summary>
    internal abstract Tensor Call(Tensor x);

    /// <summary>(…, I) and (…, O) → x·Wᵀ + b + y, (…, O).</summary>
    internal abstract Tensor CallAndAdd(Tensor x, Tensor y);

    public abstract void Dispose();
}

/// <summary>libtorch's own <c>linear</c>: for GPUs, and for processors without oneDNN.</summary>
internal sealed class PlainLinear(Tensor weight, Tensor bias, Activation? then) : FixedLinear
{
    private readonly Tensor _weight = weight.clone().DetachFromDisposeScope(), _bias = bias.clone().DetachFromDisposeScope();

    internal override Tensor Call(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = functional.linear(x, _weight, _bias);
        return (then switch
        {
            null => y,
            Activation.QuickGelu => functional.silu(y),
            Activation.GeluTanh => functional.gelu(y, TorchSharp.Modules.GELU.Approximate.tanh),
            _ => functional.gelu(y),
        }).MoveToOuterDisposeScope();
    }

    internal override Tensor CallAndAdd(Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        return functional.linear(x, _weight, _bias).Plus(y).MoveToOuterDisposeScope();
    }

    public override void Dispose()
    {
        _weight.Dispose();
        _bias.Dispose();
    }
}
