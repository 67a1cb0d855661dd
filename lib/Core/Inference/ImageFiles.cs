using System.Runtime.CompilerServices;
using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Core.Inference;

/// <summary>
/// Finds image files, and reads them on all cores while the model works. A file that cannot be read is reported in the results, not thrown.
/// </summary>
public static class ImageFiles
{
    /// <summary>The default number of images or captions that are encoded at once.</summary>
    public const int DefaultBatch = 64;

    /// <summary>The endings by which images are found in a folder, in lower case, with the dot.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp"];

    /// <summary>
    /// Lists the images of a folder, by their endings. Hidden files and folders, pipes, sockets and devices are passed over; links to files
    /// are followed, links to folders are not.
    /// </summary>
    /// <param name="folder">Where to look.</param>
    /// <param name="recursive">Whether to search subfolders.</param>
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

    /// <summary>
    /// Reads files on all cores while the caller uses the previous batch. At most two batches are held, each image at the model's size.
    /// </summary>
    /// <param name="files">Paths, which are read one batch ahead of the caller.</param>
    /// <param name="transform">Prepares the pixels.</param>
    /// <param name="batchSize">Files in a batch, at least 1.</param>
    /// <param name="cancellationToken">Stops between two files, and while one is decoded.</param>
    /// <returns>Batches in the order of the files; a file that is no image has the reason in place of its pixels.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public static IEnumerable<IReadOnlyList<PreparedImage>> Prepare(
        IEnumerable<string> files, ClipImageTransform transform, int batchSize = DefaultBatch,
            CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(transform);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        return ReadAheadAsync(files, (path, stop) => Read(path, transform, stop), Environment.ProcessorCount, batchSize, cancellationToken)
            .ToBlockingEnumerable(CancellationToken.None).Chunk(batchSize);
    }

    /// <summary>
    /// The one pipeline from files to pixels: works on several threads ahead of the caller, and yields results in order. If the caller
    /// stops early, work in progress is cancelled and awaited.
    /// </summary>
    /// <param name="items">Taken at most <paramref name="ahead"/> items before their results are.</param>
    /// <param name="work">Called from several threads at once.</param>
    /// <param name="threads">How many items are worked on at once.</param>
    /// <param name="ahead">The most results held, besides the one being taken.</param>
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
