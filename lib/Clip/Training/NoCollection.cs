using System.Runtime;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// Puts off garbage collection while it lives. TorchSharp 0.107 hands the native pointer of a <see cref="TorchSharp.Scalar"/> to libtorch
/// without keeping the object alive: a collection in the middle of a call frees it, and the call fails ("Expected false to be true",
/// Scalar.h). A run of thousands of steps meets that. Where a region is held already, this one does nothing; one object at a time may hold
/// one, on the thread that made it.
/// </summary>
/// <example><c>using (new NoCollection()) optimizer.step();</c></example>
public readonly struct NoCollection : IDisposable
{
    /// <summary>More than the small objects of one step take.</summary>
    private const long Budget = 128L << 20;

    private readonly bool _started;

    /// <summary>Begins with room for 128 MiB of managed objects: one training step of any size, since tensors are not among them.</summary>
    public NoCollection() : this(Budget)
    {
    }

    /// <summary>Begins.</summary>
    /// <param name="budget">
    /// Bytes of managed objects that may be made before a collection comes after all; above 0, at most what the runtime allows
    /// (<see cref="GC.TryStartNoGCRegion(long)"/>).
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The budget is 0, negative or above what the runtime allows.</exception>
    public NoCollection(long budget) => _started = GCSettings.LatencyMode != GCLatencyMode.NoGCRegion && GC.TryStartNoGCRegion(budget);

    /// <summary>Ends: collections come as they need.</summary>
    public void Dispose()
    {
        // Where the budget was too small the region has ended by itself.
        if (_started && GCSettings.LatencyMode == GCLatencyMode.NoGCRegion) GC.EndNoGCRegion();
    }
}
