using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>Unmanaged float32 memory, set to zero and aligned to a cache line.</summary>
internal sealed unsafe class FloatMemory : SafeHandle
{
    private const int CacheLine = 64;

    internal FloatMemory(long count) : base(0, ownsHandle: true)
    {
        nuint bytes = checked((nuint)Math.Max(1, count) * sizeof(float));
        SetHandle((nint)NativeMemory.AlignedAlloc(bytes, CacheLine));
        NativeMemory.Clear(Values, bytes);
    }

    /// <summary>A copy of a tensor's values.</summary>
    internal static FloatMemory Of(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var flat = tensor.detach().to(float32).cpu().contiguous();
        var copy = new FloatMemory(flat.numel());
        flat.bytes.CopyTo(new Span<byte>(copy.Values, checked((int)(sizeof(float) * flat.numel()))));
        return copy;
    }

    internal float* Values => (float*)handle;

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
