namespace ClipNotebooks.Core.Base;

/// <summary>
/// Counts the calls under way into an object that owns native memory: it is freed when the object has been closed and the last of
/// them has ended, by whoever comes last, and later calls get an <see cref="ObjectDisposedException"/>. Nobody waits, so that a call
/// may close the object that it is in. Thread-safe.
/// </summary>
/// <param name="owner">The object, named in the exception.</param>
/// <param name="free">Frees the memory; called once.</param>
internal sealed class UseGate(object owner, Action free)
{
    private const int Closed = int.MinValue;

    /// <summary>The calls under way, and the sign once it is closed.</summary>
    private int _state;

    /// <summary>Begins a call, which ends when the result is disposed: once.</summary>
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

    /// <summary>Lets no further call in. Does nothing the second time.</summary>
    internal void Close()
    {
        if (Interlocked.Or(ref _state, Closed) == 0) free();
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _state) == Closed) free();
    }

    /// <summary>A call under way.</summary>
    internal readonly struct Use(UseGate gate) : IDisposable
    {
        public void Dispose() => gate.Leave();
    }
}
