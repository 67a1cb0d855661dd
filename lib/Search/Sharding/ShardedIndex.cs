using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Inference;

namespace ClipNotebooks.Search.Sharding;

/// <summary>
/// Embeds a folder's images as N independent jobs, and merges the results. Each job makes a shard: an <see cref="ImageSearchIndex"/> of its
/// part of the files, which can be searched by itself, with a file <c>shard.json</c> that says which part it is and whether it is complete.
/// </summary>
public static class ShardedIndex
{
    /// <summary>
    /// Embeds one part of a folder's images, at any depth. Repeating the call continues an interrupted shard, and brings a complete one up
    /// to date.
    /// </summary>
    /// <param name="folder">All images: every job is given the same folder, under the same path.</param>
    /// <param name="output">The shard's own folder; created if missing.</param>
    /// <param name="shard">Which part.</param>
    /// <param name="encoder">The model; the same for all shards.</param>
    /// <param name="options">How vectors are kept, and how files are read; the root is <paramref name="folder"/>.</param>
    /// <param name="progress">Receives the state after every batch.</param>
    /// <param name="cancellationToken">Stops; what is committed stays.</param>
    /// <returns>
    /// What was done. Files that cannot be read are named in it and in <c>shard.json</c>; the shard is complete without them.
    /// </returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">
    /// The folder holds no image at all, or <paramref name="output"/> holds something other than this shard by this model in this storage.
    /// </exception>
    /// <exception cref="IOException">
    /// A folder cannot be listed, so that the shard is incomplete; or another process writes to the shard, or the device is full. What is
    /// committed stays.
    /// </exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public static async Task<IndexReport> EmbedAsync(
        string folder, string output, Shard shard, IClipEncoder encoder, IndexOptions? options = null,
            IProgress<IndexProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrEmpty(output);
        ArgumentNullException.ThrowIfNull(shard);
        ArgumentNullException.ThrowIfNull(encoder);
        (folder, output) = (ImageStore.FullRoot(folder), ImageStore.FullRoot(output));
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder {folder} to embed.");
        options = (options ?? new IndexOptions()) with { Root = folder };
        var before = ShardManifest.TryRead(output);
        if (before is null && ImageSearchIndex.Exists(output)) throw new InvalidDataException(
            $"{output} holds an index that is no shard: it has no {ShardManifest.FileName}. Give the shard a folder of its own.");
        if (before is not null && before.Shard != shard) throw new InvalidDataException(
            $"{output} holds the shard {before.Shard}, not {shard}. Give every shard a folder of its own.");

        var scan = await Task.Run(() => Scan(folder, shard, options, cancellationToken), cancellationToken).ConfigureAwait(false);
        var manifest = new ShardManifest { Number = shard.Number, Count = shard.Count, Folder = folder };
        using var index = ImageSearchIndex.Exists(output) ? ImageSearchIndex.Open(output, encoder, options) : Begin();
        if (index.Storage != options.Storage) throw new InvalidDataException(
            $"The shard in {output} keeps its vectors in {index.Storage}, not in {options.Storage}. Go on with what it has, or embed it " +
            $"in another folder.");
        manifest.Write(output);
        var report = await index.AddFilesAsync(scan.Files.Select(file => file.FullName), progress, cancellationToken).ConfigureAwait(false);
        if (scan.Unreadable.Count > 0)
            throw new IOException($"Shard {shard} in {output} is not whole: " +
                $"{string.Join("; ", scan.Unreadable.Select(place => $"{place.Path}: {place.Reason}"))} Mend it and embed the shard " +
                $"again; what is done stays.");
        var there = scan.Files.Select(file => ImageStore.IdOf(folder, file.FullName));
        string[] gone = [.. index.Embeddings.Ids.Except(there, StringComparer.Ordinal)];
        index.Remove(gone);
        (manifest with { Complete = true, Images = index.Count, Unreadable = report.Unreadable }).Write(output);
        return report with { Removed = [.. report.Removed.Concat(gone).Order(StringComparer.Ordinal)] };

        ImageSearchIndex Begin()
        {
            // Written before the index, so that what a crash leaves here is recognised as this shard.
            manifest.Write(output);
            return ImageSearchIndex.Create(output, encoder, options);
        }
    }

    /// <summary>
    /// Merges shards into one index, equal to the one that adding the whole folder would have made. The shards are not changed. The index
    /// appears once it is complete: an interruption leaves only a folder ending in <c>.part</c>, which the next call replaces.
    /// </summary>
    /// <param name="shards">The folders of all N shards, in any order; or a single index that is not a shard.</param>
    /// <param name="index">The new index's folder.</param>
    /// <param name="progress">Receives the images merged so far and their total, after every shard.</param>
    /// <param name="cancellationToken">Stops; no index is left.</param>
    /// <returns>How many images the index has.</returns>
    /// <exception cref="InvalidDataException">
    /// A shard is missing, given twice, incomplete or damaged, or the shards differ in N, folder, model or storage; the message names the
    /// shards.
    /// </exception>
    /// <exception cref="IOException"><paramref name="index"/> holds something already, or cannot be written.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public static int Merge(IReadOnlyCollection<string> shards, string index, IProgress<(int Done, int Total)>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(shards);
        ArgumentException.ThrowIfNullOrEmpty(index);
        index = ImageStore.FullRoot(index);
        WholeFolder.RefuseTaken(index);
        var parts = ShardSet.Check(shards, cancellationToken);
        int images = 0;
        WholeFolder.Write(index, beside =>
        {
            using var merged = parts.Create(beside);
            foreach (var (path, manifest) in parts.InOrder)
            {
                using var part = ShardSet.Open(path, manifest);
                images += merged.AddFrom(part, cancellationToken);
                progress?.Report((merged.Count, parts.Images));
            }
            if (merged.Count == images) return;
            throw new InvalidDataException(
                $"The shards have {images} images, of which {images - merged.Count} are in more than one of them. " +
                "Embed them again, in new folders.");
        });
        return images;
    }

    /// <summary>Whether a folder holds a shard, complete or not.</summary>
    public static bool IsShard(string folder) => File.Exists(Path.Combine(folder, ShardManifest.FileName));

    private static FolderScan Scan(string folder, Shard shard, IndexOptions options, CancellationToken cancellationToken)
    {
        bool any = false;
        var scan = FolderScan.Run(folder, recursive: true, options.Extensions, cancellationToken, file =>
        {
            any = true;
            return shard.Holds(ImageStore.IdOf(folder, file.FullName));
        });
        // One shard of many may be empty, but not the whole folder, unless its device is missing.
        if (!any && scan.Unreadable.Count == 0) throw new InvalidDataException(
            $"{folder} holds no image: {string.Join(", ", options.Extensions)} are read. If it lies on another machine, is it mounted?");
        return scan;
    }
}
