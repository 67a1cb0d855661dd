using System.Runtime.Intrinsics.X86;
using TorchSharp;

namespace ClipNotebooks.Clip.Inference;

/// <summary>Decides what <see cref="Precision.Auto"/> means on this machine.</summary>
internal static class PrecisionProbe
{
    internal static (Precision Precision, string Reason) Choose(DeviceType device) => device switch
    {
        DeviceType.CPU when HasBFloat16() => (Precision.BFloat16, "the processor has bfloat16 instructions"),
        DeviceType.CPU => (Precision.Float32, "the processor has no bfloat16 instructions"),
        DeviceType.CUDA => (Precision.BFloat16, "the model is on a GPU"),
        _ => (Precision.Float32, $"nothing is known of bfloat16 on {device}"),
    };

    /// <summary>AVX512_BF16 (CPUID 7.1, EAX bit 5) or AMX-BF16 (CPUID 7.0, EDX bit 22); false for processors other than x86.</summary>
    private static bool HasBFloat16()
    {
        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Eax < 7) return false;
        var (subleaves, _, _, features) = X86Base.CpuId(7, 0);
        return (features & (1 << 22)) != 0 || subleaves >= 1 && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0;
    }
}
