using System.Runtime;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// Puts off garbage collection while it lives. TorchSharp 0.107 hands the native pointer of a <see cref="TorchSharp.Scalar"/> to libtorch without keeping the object alive: a collection
/// in the middle of a call frees it, and the call fails ("Expected false to be true", Scalar.h). A run of thousands of steps meets that.
/// </summary>
internal readonly struct NoCollection : IDisposable
{
    /// <summary>More than the small objects of one step take.</summary>
    private const long Budget = 128L << 20;

    private readonly bool _started;

    public NoCollection() => _started = GCSettings.LatencyMode != GCLatencyMode.NoGCRegion && GC.TryStartNoGCRegion(Budget);

    public void Dispose()
    {
        // Where the budget was too small the region has ended by itself.
        if (_started && GCSettings.LatencyMode == GCLatencyMode.NoGCRegion) GC.EndNoGCRegion();
    }
}
