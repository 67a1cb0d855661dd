namespace ClipNotebooks.Core.Base;

/// <summary>
/// Counts the calls in progress on an object that owns native memory. The memory is freed once the object is closed and the last call has
/// ended, by the thread that comes last; later calls get an <see cref="ObjectDisposedException"/>. Nothing blocks, so a call may close the
/// object that it runs on. Thread-safe.
/// </summary>
/// <param name="owner">The object, named in the exception.</param>
/// <param name="free">Frees the memory; called once.</param>
internal sealed class UseGate(object owner, Action free)
{
    private const int Closed = int.MinValue;

    /// <summary>The number of calls in progress; the sign bit is set once closed.</summary>
    private int _state;

    /// <summary>Begins a call. Disposing the result, exactly once, ends it.</summary>
    /// <exception cref="ObjectDisposedException">The object is closed.</exception>
    internal Use Enter()
    {
        for (int state = Volatile.Read(ref _state); ;)
        {
            ObjectDisposedException.ThrowIf(state < 0, owner);
            int found = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (found == state) return new Use(this);
            state = found;
        }
    }

    /// <summary>Refuses further calls. Does nothing the second time.</summary>
    internal void Close()
    {
        if (Interlocked.Or(ref _state, Closed) == 0) free();
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _state) == Closed) free();
    }

    /// <summary>A call in progress.</summary>
    internal readonly struct Use(UseGate gate) : IDisposable
    {
        public void Dispose() => gate.Leave();
    }
}
