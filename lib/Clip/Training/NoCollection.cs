using System.Runtime;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// Suspends garbage collection until it is disposed. TorchSharp 0.107 hands the native pointer of a <see cref="TorchSharp.Scalar"/> to
/// libtorch without keeping the object alive: a collection in the middle of a call frees it, and the call fails ("Expected false to be
/// true", Scalar.h). In a run of thousands of steps that happens. If garbage collection is suspended already, a further object does
/// nothing; dispose of it on the thread that made it.
/// </summary>
/// <example><c>using (new NoCollection()) optimizer.step();</c></example>
public readonly struct NoCollection : IDisposable
{
    /// <summary>More than the small objects of one step take.</summary>
    private const long Budget = 128L << 20;

    private readonly bool _started;

    /// <summary>
    /// Suspends garbage collection with room for 128 MiB of managed objects: enough for one training step of any size, since tensors do not
    /// count.
    /// </summary>
    public NoCollection() : this(Budget)
    {
    }

    /// <summary>Suspends garbage collection.</summary>
    /// <param name="budget">
    /// Bytes of managed objects that may be allocated before a collection happens after all; above 0, at most what the runtime allows
    /// (<see cref="GC.TryStartNoGCRegion(long)"/>).
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The budget is 0, negative or above what the runtime allows.</exception>
    public NoCollection(long budget) => _started = GCSettings.LatencyMode != GCLatencyMode.NoGCRegion && GC.TryStartNoGCRegion(budget);

    /// <summary>Lets garbage be collected again.</summary>
    public void Dispose()
    {
        // If the budget was too small, the region has ended by itself.
        if (_started && GCSettings.LatencyMode == GCLatencyMode.NoGCRegion) GC.EndNoGCRegion();
    }
}
