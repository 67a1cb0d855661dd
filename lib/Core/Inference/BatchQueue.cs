using System.Diagnostics;
using System.Threading.Channels;

namespace ClipNotebooks.Core.Inference;

/// <summary>
/// A queue of requests of one kind to a model; requests that arrive together are encoded as one batch. A request waits for others until
/// they fill a batch, at most until <see cref="BatchingOptions.MaxWait"/> after its arrival, and while the model is busy.
/// </summary>
/// <typeparam name="T">An input: a caption, or an image's pixels.</typeparam>
internal sealed class BatchQueue<T>
{
    private readonly Channel<Request> _requests = Channel.CreateUnbounded<Request>(new() { SingleReader = true });
    private readonly Func<T[], string[], float[][]> _encode;
    private readonly BatchingOptions _options;
    private readonly SemaphoreSlim _model;
    private readonly string _kind;
    private TaskCompletionSource _filled = Unfilled();
    private int _waiting;
    private bool _closed;

    /// <param name="kind">The kind of input, as telemetry names it.</param>
    /// <param name="encode">Maps inputs, and their names in error messages, to an embedding each.</param>
    /// <param name="options">The limits on batches, waiting time and queue length.</param>
    /// <param name="model">Held while the model works.</param>
    internal BatchQueue(string kind, Func<T[], string[], float[][]> encode, BatchingOptions options, SemaphoreSlim model)
    {
        (_kind, _encode, _options, _model) = (kind, encode, options, model);
        Ended = Task.Run(WorkAsync);
    }

    /// <summary>The number of waiting inputs.</summary>
    internal int Waiting => Volatile.Read(ref _waiting);

    internal Task Ended { get; }

    /// <summary>Encodes inputs, together with those of other callers that arrive at the same time.</summary>
    /// <param name="inputs">At least one; more than a batch holds are encoded one batch after another.</param>
    /// <param name="names">Their names in error messages.</param>
    /// <param name="cancellationToken">Ends the wait; inputs whose encoding has not begun are dropped.</param>
    internal async Task<float[][]> RunAsync(IReadOnlyList<T> inputs, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        if (inputs.Count <= _options.MaxBatch) return await OneAsync([.. inputs], [.. names], cancellationToken).ConfigureAwait(false);
        var rows = new List<float[]>(inputs.Count);
        foreach (var (part, named) in inputs.Chunk(_options.MaxBatch).Zip(names.Chunk(_options.MaxBatch)))
            rows.AddRange(await OneAsync(part, named, cancellationToken).ConfigureAwait(false));
        return [.. rows];
    }

    /// <summary>Accepts no more requests; <see cref="Ended"/> completes once the accepted ones are answered.</summary>
    internal void Close()
    {
        _requests.Writer.TryComplete();
        Interlocked.Exchange(ref _closed, true);
        Fill();
    }

    private static TaskCompletionSource Unfilled() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// Ends the worker's wait. What it looks at, <see cref="_waiting"/> or <see cref="_closed"/>, was changed by an interlocked operation
    /// before this, and the worker exchanges <see cref="_filled"/> before it looks: either it sees the change, or this finds its wait.
    /// </summary>
    private void Fill() => Volatile.Read(ref _filled).TrySetResult();

    private async Task<float[][]> OneAsync(T[] inputs, string[] names, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Request request = new(inputs, names, Stopwatch.GetTimestamp(), new(TaskCreationOptions.RunContinuationsAsynchronously));
        if (Count(inputs.Length) > _options.MaxQueue)
        {
            Count(-inputs.Length);
            throw new QueueFullException($"{Waiting} inputs wait for the model already, of {_options.MaxQueue} that may " +
                $"({nameof(BatchingOptions.MaxQueue)}).");
        }
        if (!_requests.Writer.TryWrite(request))
        {
            Count(-inputs.Length);
            throw new ObjectDisposedException(nameof(BatchingEncoder));
        }
        if (Waiting >= _options.MaxBatch) Fill();
        using var gone = cancellationToken.Register(() => request.Answer.TrySetCanceled(cancellationToken));
        return await request.Answer.Task.ConfigureAwait(false);
    }

    private async Task WorkAsync()
    {
        while (await _requests.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            if (_requests.Reader.TryPeek(out var first)
                && _options.MaxWait - Stopwatch.GetElapsedTime(first.Came) is { Ticks: > 0 } rest)
                await FilledAsync(rest).ConfigureAwait(false);
            await _model.WaitAsync().ConfigureAwait(false);
            try
            {
                if (Take() is { Count: > 0 } batch) Encode(batch);
            }
            finally
            {
                _model.Release();
            }
        }
    }

    /// <summary>Completes once a batch is full or the queue closed, and after <paramref name="rest"/> at the latest.</summary>
    private async Task FilledAsync(TimeSpan rest)
    {
        var filled = Unfilled();
        Interlocked.Exchange(ref _filled, filled);
        if (Waiting >= _options.MaxBatch || Volatile.Read(ref _closed)) return;
        await filled.Task.WaitAsync(rest).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Takes waiting requests that together fit a batch, and drops cancelled ones.</summary>
    private List<Request> Take()
    {
        var batch = new List<Request>();
        int inputs = 0;
        while (_requests.Reader.TryPeek(out var next) && (inputs == 0 || inputs + next.Inputs.Length <= _options.MaxBatch))
        {
            _requests.Reader.TryRead(out _);
            Count(-next.Inputs.Length);
            if (next.Answer.Task.IsCompleted) continue;
            batch.Add(next);
            inputs += next.Inputs.Length;
        }
        return batch;
    }

    /// <summary>If a batch fails, encodes each request by itself, so that only the faulty one fails.</summary>
    private void Encode(List<Request> batch)
    {
        try
        {
            float[][] rows = _encode([.. batch.SelectMany(request => request.Inputs)], [.. batch.SelectMany(request => request.Names)]);
            int at = 0;
            foreach (var request in batch) request.Answer.TrySetResult(rows[at..(at += request.Inputs.Length)]);
        }
        catch (Exception) when (batch.Count > 1)
        {
            foreach (var request in batch.Where(request => !request.Answer.Task.IsCompleted)) Encode([request]);
        }
        catch (Exception fault)
        {
            batch[0].Answer.TrySetException(fault);
        }
    }

    private int Count(int inputs)
    {
        ClipTelemetry.Queued(_kind, inputs);
        return Interlocked.Add(ref _waiting, inputs);
    }

    private sealed record Request(T[] Inputs, string[] Names, long Came, TaskCompletionSource<float[][]> Answer);
}
