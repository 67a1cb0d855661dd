using System.Collections.Concurrent;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>
/// One thread for a whole lesson: after an await a cell continues on this thread, and later cells run on it too. TorchSharp counts tensors
/// and keeps its dispose scopes for each thread separately.
/// </summary>
internal sealed class LessonThread : SynchronizationContext
{
    private readonly BlockingCollection<(SendOrPostCallback Work, object? State)> _queue = [];

    /// <summary>Runs work to its end on this thread.</summary>
    internal static T Run<T>(Func<Task<T>> work)
    {
        SynchronizationContext? before = Current;
        LessonThread here = new();
        SetSynchronizationContext(here);
        try
        {
            Task<T> task = work();
            _ = task.ContinueWith(_ => here._queue.CompleteAdding(), TaskScheduler.Default);
            foreach (var (next, state) in here._queue.GetConsumingEnumerable())
                next(state);
            return task.GetAwaiter().GetResult();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        try
        {
            _queue.Add((d, state));
        }
        catch (InvalidOperationException)
        {
            // The lesson is over: work that it did not await continues on other threads.
            base.Post(d, state);
        }
    }
}
