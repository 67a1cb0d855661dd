using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>The parameters of a module in float32 on the processor: read where they are, without a copy.</summary>
/// <param name="module">It lives as long as what is read is used; the tensors made meanwhile belong to the caller's dispose scope.</param>
internal sealed class ModuleWeights(nn.Module module) : ITowerWeights
{
    public ReadOnlySpan<float> Read(string name, params ReadOnlySpan<long> shape) => module.get_parameter(name)!.Values();

    public ReadOnlySpan<float> ReadTransposed(string name, long outputs, long inner) => module.get_parameter(name)!.t().Values();
}

/// <summary>A tensor's values.</summary>
internal static class TensorValues
{
    /// <summary>The values of a float32 tensor on the processor, row by row: its own memory where they lie like that.</summary>
    internal static ReadOnlySpan<float> Values(this Tensor tensor) =>
        MemoryMarshal.Cast<byte, float>(tensor.detach().contiguous().bytes);
}
