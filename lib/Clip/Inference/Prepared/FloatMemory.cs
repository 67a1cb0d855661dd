using System.Runtime.InteropServices;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>Unmanaged float32 memory, aligned to a cache line.</summary>
internal sealed unsafe class FloatMemory : SafeHandle
{
    private const int CacheLine = 64;

    /// <param name="count">How many values.</param>
    /// <param name="zero">Whether they are set to zero; otherwise all of them are written before they are read.</param>
    internal FloatMemory(long count, bool zero = true) : base(0, ownsHandle: true)
    {
        nuint bytes = checked((nuint)Math.Max(1, count) * sizeof(float));
        SetHandle((nint)NativeMemory.AlignedAlloc(bytes, CacheLine));
        if (zero) NativeMemory.Clear(Values, bytes);
    }

    /// <summary>A copy.</summary>
    internal static FloatMemory Of(ReadOnlySpan<float> values)
    {
        var copy = new FloatMemory(values.Length, zero: false);
        values.CopyTo(new Span<float>(copy.Values, values.Length));
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
