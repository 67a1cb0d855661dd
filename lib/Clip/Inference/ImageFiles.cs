using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Images;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>Image files on their way to a model: found, read on all cores while the model works, and embedded, with what could not be read said instead of thrown.</summary>
public static class ImageFiles
{
    /// <summary>The endings by which images are found in a folder, in lower case, with the dot.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp"];

    /// <summary>
    /// The images of a folder, by their endings. Hidden files and folders, pipes, sockets and devices are passed over; links to files are
    /// followed,
    /// links to folders are not.
    /// </summary>
    /// <param name="folder">Where to look.</param>
    /// <param name="recursive">Whether folders inside count.</param>
    /// <returns>Paths that begin with <paramref name="folder"/>, in ordinal order.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public static IReadOnlyList<string> In(string folder, bool recursive = true)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder {folder} to take images from.");
        string root = Path.GetFullPath(folder);
        return [.. FolderScan.Run(folder, recursive, Extensions, CancellationToken.None).Files.Select(
            file => Path.Combine(folder, Path.GetRelativePath(root, file.FullName)))];
    }

    /// <summary>Reads files on all cores while the batch before is used: no more than two batches are held, each image at the model's
    /// size.</summary>
    /// <param name="files">Paths; read as far as the result is, and a batch ahead.</param>
    /// <param name="transform">What prepares the pixels.</param>
    /// <param name="batchSize">Files at once, at least 1.</param>
    /// <param name="cancellation">Stops between two files, and while one is decoded.</param>
    /// <returns>Batches in the order of the files; a file that is no image has the reason in place of its pixels.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was triggered.</exception>
    public static IEnumerable<IReadOnlyList<PreparedImage>> Prepare(
        IEnumerable<string> files, ClipImageTransform transform, int batchSize = ClipEncoder.DefaultBatch,
            CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(transform);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        return ReadAheadAsync(files, (path, stop) => Read(path, transform, stop), Environment.ProcessorCount, batchSize, cancellation)
            .ToBlockingEnumerable(CancellationToken.None).Chunk(batchSize);
    }

    /// <summary>
    /// The one pipeline from files to pixels: works on several threads ahead of whoever takes the results, which come in order. What was
    /// begun is
    /// cancelled, and waited for, where the taking ends early.
    /// </summary>
    /// <param name="items">Taken as far as the results are, and so many ahead.</param>
    /// <param name="work">Called from several threads at once.</param>
    /// <param name="threads">How many.</param>
    /// <param name="ahead">How many results are held at most, beside the one that is taken.</param>
    /// <param name="cancellationToken">Stops.</param>
    internal static async IAsyncEnumerable<TResult> ReadAheadAsync<T, TResult>(
        IEnumerable<T> items, Func<T, CancellationToken, TResult> work, int threads, int ahead,
            [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var slots = new SemaphoreSlim(threads);
        var begun = new Queue<Task<TResult>>();
        try
        {
            foreach (var item in items)
            {
                begun.Enqueue(Task.Run(() => WorkAsync(item), CancellationToken.None));
                if (begun.Count <= ahead) continue;
                cancellationToken.ThrowIfCancellationRequested();
                yield return await begun.Dequeue().ConfigureAwait(false);
            }
            while (begun.TryDequeue(out var next))
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return await next.ConfigureAwait(false);
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)Task.WhenAll(begun)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task<TResult> WorkAsync(T item)
        {
            await slots.WaitAsync(stop.Token).ConfigureAwait(false);
            try
            {
                return work(item, stop.Token);
            }
            finally
            {
                slots.Release();
            }
        }
    }

    /// <summary>Embeds the images of a batch that could be read.</summary>
    /// <param name="encoder">The model, whose transform prepared the batch.</param>
    /// <param name="batch">Of <see cref="Prepare"/>.</param>
    /// <returns>(N, E), float32, on the CPU, rows of length 1, for the N images with pixels, in order; null where there are none. The caller's to dispose.</returns>
    /// <exception cref="NonFiniteException">The model gives no finite numbers for an image; the message names its file.</exception>
    public static Tensor? Encode(ClipEncoder encoder, IReadOnlyList<PreparedImage> batch)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(batch);
        float[][] readable = [.. batch.Where(image => image.Pixels is not null).Select(image => image.Pixels!)];
        if (readable.Length == 0) return null;
        using var pixels = empty([readable.Length, .. encoder.Processor.Transform.Shape], dtype: float32);
        var target = MemoryMarshal.Cast<byte, float>(pixels.bytes);
        foreach (var (i, values) in readable.Index()) values.CopyTo(target[(i * values.Length)..]);
        return encoder.EncodePixels(pixels, [.. batch.Where(image => image.Pixels is not null).Select(image => image.Path)]);
    }

    /// <summary>Embeds a list of files.</summary>
    /// <returns>(N, E) for the N files that could be read, their places in the list, and those that could not.</returns>
    /// <exception cref="InvalidDataException">None could be read.</exception>
    internal static (Tensor Embeddings, IReadOnlyList<int> Read, IReadOnlyList<PreparedImage> Unreadable) Embed(
        ClipEncoder encoder, IReadOnlyList<string> files, IProgress<int>? progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var (rows, read, unreadable, done) = (new List<Tensor>(), new List<int>(), new List<PreparedImage>(), 0);
        foreach (var batch in Prepare(files, encoder.Processor.Transform, ClipEncoder.DefaultBatch, cancellation))
        {
            if (Encode(encoder, batch) is { } embeddings) rows.Add(embeddings);
            foreach (var image in batch)
            {
                if (image.Pixels is null) unreadable.Add(image);
                else read.Add(done);
                done++;
            }
            progress?.Report(done);
        }
        if (rows.Count == 0) throw new InvalidDataException($"None of the {files.Count} images could be read. The first: {unreadable[0].Problem}");
        return (cat(rows, 0).MoveToOuterDisposeScope(), read, unreadable);
    }

    private static PreparedImage Read(string path, ClipImageTransform transform, CancellationToken stop)
    {
        try
        {
            using var image = SkiaImageDecoder.Shared.Decode(ImageFileBytes.Read(path), path, stop);
            return new PreparedImage(path, transform.Apply(image), null);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return new PreparedImage(
                path, null, exception.Message.Contains(path, StringComparison.Ordinal) ? exception.Message
                : $"{path}: {exception.Message}");
        }
    }
}
