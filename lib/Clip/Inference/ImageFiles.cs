using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Images;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>Image files on their way to a model: found, read on all cores while the model works, and embedded, with what could not be read said instead of thrown.</summary>
public static class ImageFiles
{
    /// <summary>Files read, prepared and encoded at once.</summary>
    public const int DefaultBatch = 64;

    /// <summary>The endings by which images are found in a folder, in lower case, with the dot.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp"];

    /// <summary>The images of a folder, by their endings; links to folders and hidden files are passed over.</summary>
    /// <param name="folder">Where to look.</param>
    /// <param name="recursive">Whether folders inside count.</param>
    /// <returns>Paths that begin with <paramref name="folder"/>, in ordinal order.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public static IReadOnlyList<string> In(string folder, bool recursive = true)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder {folder} to take images from.");
        var options = new EnumerationOptions { RecurseSubdirectories = recursive, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint };
        return [.. Directory.EnumerateFiles(folder, "*", options).Where(path => Extensions.Contains(Path.GetExtension(path).ToLowerInvariant())).Order(StringComparer.Ordinal)];
    }

    /// <summary>Reads files a batch at a time, each batch on all cores while the one before is used: of a long list no more than two batches are held, each image at the model's size.</summary>
    /// <param name="files">Paths; read as far as the result is.</param>
    /// <param name="transform">What prepares the pixels.</param>
    /// <param name="batchSize">Files at once, at least 1.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>Batches in the order of the files; a file that is no image has the reason in place of its pixels.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was triggered.</exception>
    public static IEnumerable<IReadOnlyList<PreparedImage>> Prepare(IEnumerable<string> files, ClipImageTransform transform, int batchSize = DefaultBatch, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(transform);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        return Batches();

        IEnumerable<IReadOnlyList<PreparedImage>> Batches()
        {
            Task<PreparedImage[]>? ahead = null;
            foreach (var chunk in files.Chunk(batchSize))
            {
                var next = Task.Run(() => chunk.AsParallel().AsOrdered().Select(path => Read(path, transform)).ToArray(), CancellationToken.None);
                if (ahead is not null) yield return Done(ahead);
                ahead = next;
            }
            if (ahead is not null) yield return Done(ahead);
        }

        PreparedImage[] Done(Task<PreparedImage[]> batch)
        {
            cancellation.ThrowIfCancellationRequested();
            return batch.GetAwaiter().GetResult();
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
        int side = encoder.Processor.Transform.Config.Size;
        using var pixels = empty([readable.Length, 3, side, side], dtype: float32);
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
        foreach (var batch in Prepare(files, encoder.Processor.Transform, DefaultBatch, cancellation))
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

    private static PreparedImage Read(string path, ClipImageTransform transform)
    {
        try
        {
            using var image = RasterImage.Load(path);
            return new PreparedImage(path, transform.Apply(image), null);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return new PreparedImage(path, null, exception.Message);
        }
    }
}
