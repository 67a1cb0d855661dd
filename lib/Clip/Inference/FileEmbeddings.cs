using ClipNotebooks.Core.Inference;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>Embeds image files that were read ahead (<see cref="ImageFiles"/>).</summary>
public static class FileEmbeddings
{
    /// <summary>Embeds the images of a batch that could be read.</summary>
    /// <param name="encoder">The model, whose transform prepared the batch.</param>
    /// <param name="batch">A batch from <see cref="ImageFiles.Prepare"/>.</param>
    /// <returns>
    /// (N, E), float32, on the CPU, rows of length 1, for the N images with pixels, in order; null where there are none. The caller's to
    /// dispose.
    /// </returns>
    /// <exception cref="NonFiniteException">The model gives no finite numbers for an image; the message names its file.</exception>
    public static Tensor? Encode(this ClipEncoder encoder, IReadOnlyList<PreparedImage> batch)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(batch);
        float[][] readable = [.. batch.Where(image => image.Pixels is not null).Select(image => image.Pixels!)];
        if (readable.Length == 0) return null;
        return encoder.EncodePixels(readable, [.. batch.Where(image => image.Pixels is not null).Select(image => image.Path)]);
    }

    /// <summary>Embeds a list of files.</summary>
    /// <returns>(N, E) for the N files that could be read, their indices in the list, and the files that could not be read.</returns>
    /// <exception cref="InvalidDataException">None of the files could be read.</exception>
    internal static (Tensor Embeddings, IReadOnlyList<int> Read, IReadOnlyList<PreparedImage> Unreadable) Embed(
        this ClipEncoder encoder, IReadOnlyList<string> files, IProgress<int>? progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var (rows, read, unreadable, done) = (new List<Tensor>(), new List<int>(), new List<PreparedImage>(), 0);
        foreach (var batch in ImageFiles.Prepare(files, encoder.Processor.Transform, ClipEncoder.DefaultBatch, cancellation))
        {
            if (encoder.Encode(batch) is { } embeddings) rows.Add(embeddings);
            foreach (var image in batch)
            {
                if (image.Pixels is null) unreadable.Add(image);
                else read.Add(done);
                done++;
            }
            progress?.Report(done);
        }
        if (rows.Count == 0)
            throw new InvalidDataException($"None of the {files.Count} images could be read. The first: {unreadable[0].Problem}");
        return (cat(rows, 0).MoveToOuterDisposeScope(), read, unreadable);
    }
}
