using System.Diagnostics;
using System.Threading.Channels;

namespace ClipNotebooks.Core.Inference;

/// <summary>
/// Requests of one kind on their way to a model: those that come together are encoded together. A request waits for company until
/// <see cref="BatchingOptions.MaxWait"/> after it came, and as long as the model is busy.
/// </summary>
/// <typeparam name="T">An input: a caption, or an image's pixels.</typeparam>
internal sealed class BatchQueue<T>
{
    private readonly Channel<Request> _requests = Channel.CreateUnbounded<Request>(new() { SingleReader = true });
    private readonly Func<T[], string[], float[][]> _encode;
    private readonly BatchingOptions _options;
    private readonly SemaphoreSlim _model;
    private readonly string _kind;
    private int _waiting;

    /// <param name="kind">Of the inputs, as telemetry calls it.</param>
    /// <param name="encode">From inputs and what errors call them to a row each.</param>
    /// <param name="options">The bounds.</param>
    /// <param name="model">Taken while the model works.</param>
    internal BatchQueue(string kind, Func<T[], string[], float[][]> encode, BatchingOptions options, SemaphoreSlim model)
    {
        (_kind, _encode, _options, _model) = (kind, encode, options, model);
        Ended = Task.Run(WorkAsync);
    }

    /// <summary>Inputs that wait.</summary>
    internal int Waiting => Volatile.Read(ref _waiting);

    internal Task Ended { get; }

    /// <summary>Encodes inputs, with those of others where these come at the same time.</summary>
    /// <param name="inputs">At least one; more than a batch go one batch after the other.</param>
    /// <param name="names">What errors call them.</param>
    /// <param name="cancellationToken">Gives up waiting; what has not begun is not encoded.</param>
    internal async Task<float[][]> RunAsync(IReadOnlyList<T> inputs, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        if (inputs.Count <= _options.MaxBatch) return await OneAsync([.. inputs], [.. names], cancellationToken).ConfigureAwait(false);
        var rows = new List<float[]>(inputs.Count);
        foreach (var (part, named) in inputs.Chunk(_options.MaxBatch).Zip(names.Chunk(_options.MaxBatch)))
            rows.AddRange(await OneAsync(part, named, cancellationToken).ConfigureAwait(false));
        return [.. rows];
    }

    /// <summary>Takes no more; <see cref="Ended"/> comes when what was taken is answered.</summary>
    internal void Close() => _requests.Writer.TryComplete();

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
        using var gone = cancellationToken.Register(() => request.Answer.TrySetCanceled(cancellationToken));
        return await request.Answer.Task.ConfigureAwait(false);
    }

    private async Task WorkAsync()
    {
        while (await _requests.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            if (_requests.Reader.TryPeek(out var first) && Waiting < _options.MaxBatch
                && _options.MaxWait - Stopwatch.GetElapsedTime(first.Came) is { Ticks: > 0 } rest)
                await Task.Delay(rest).ConfigureAwait(false);
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

    /// <summary>What has come, as far as it fits a batch; whoever gave up waiting is left out.</summary>
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

    /// <summary>Where a batch fails, each request is tried by itself: the fault is one's, and the others have their rows.</summary>
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
