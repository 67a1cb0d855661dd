using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search.Sharding;

/// <summary>A complete set of shards, checked to belong together.</summary>
internal sealed class ShardSet
{
    private ShardSet(List<(string Path, ShardManifest Manifest)> shards, IndexHeader header) =>
        (InOrder, Header, Root, Images) = (shards, header, shards[0].Manifest.Root, checked(shards.Sum(shard => shard.Manifest.Images)));

    /// <summary>The shards, sorted by number.</summary>
    internal IReadOnlyList<(string Path, ShardManifest Manifest)> InOrder { get; }

    /// <summary>The number of images in all shards.</summary>
    internal int Images { get; }

    /// <summary>The shards' model, and how they store vectors.</summary>
    internal IndexHeader Header { get; }

    /// <summary>The folder that relative paths begin at.</summary>
    internal string? Root { get; }

    /// <summary>Creates an empty index with the shards' model, storage and root.</summary>
    internal ImageSearchIndex Create(string folder) =>
        ImageSearchIndex.Create(folder, Header.Width, Header.Model, Header.ModelSummary, null,
            new IndexOptions { Storage = Header.VectorStorage, Root = Root });

    internal static ImageSearchIndex Open(string path, ShardManifest manifest) =>
        ImageSearchIndex.Open(path, options: new IndexOptions { Root = manifest.Root });

    /// <exception cref="InvalidDataException">
    /// The shards are incomplete or do not belong together; the message names those at fault.
    /// </exception>
    internal static ShardSet Check(IReadOnlyCollection<string> folders, CancellationToken cancellationToken)
    {
        if (folders.Count == 0) throw new InvalidDataException("There are no shards to merge.");
        var shards = folders.Select(folder => (Path: folder,
            Manifest: ShardManifest.TryRead(folder) ?? (folders.Count == 1 && ImageSearchIndex.Exists(folder)
            ? ShardManifest.OfIndex(folder)
            : throw new InvalidDataException($"{folder} is no shard: it has no {ShardManifest.FileName}.")))).ToList();
        shards.Sort((x, y) => x.Manifest.Number.CompareTo(y.Manifest.Number));
        var first = shards[0];
        foreach (var shard in shards)
        {
            if (shard.Manifest.Count != first.Manifest.Count) throw Differ(first, shard, "belong to different splits");
            if (shard.Manifest.Folder != first.Manifest.Folder)
                throw Differ(first, shard, $"are of different folders, {first.Manifest.Folder} and {shard.Manifest.Folder}: embed one of " +
                    $"them again under the other's path (files that are the same are not encoded again)");
        }
        foreach (var (one, next) in shards.Zip(shards.Skip(1)))
            if (one.Manifest.Number == next.Manifest.Number) throw new InvalidDataException(
                $"Shard {one.Manifest.Shard} is given twice: {one.Path} and {next.Path}.");
        string[] missing = [.. Enumerable.Range(1, first.Manifest.Count).Except(shards.Select(shard => shard.Manifest.Number))
            .Select(number => $"{new Shard(number, first.Manifest.Count)}")];
        if (missing.Length > 0) throw new InvalidDataException($"{(missing.Length == 1 ? "A shard is" : $"{missing.Length} shards are")} " +
            $"missing: {Named(missing)}. Give all {first.Manifest.Count}.");
        string[] unfinished = [.. shards.Where(shard => !shard.Manifest.Complete)
            .Select(shard => $"{shard.Manifest.Shard} in {shard.Path}")];
        if (unfinished.Length > 0) throw new InvalidDataException(
            $"{(unfinished.Length == 1 ? "A shard is" : $"{unfinished.Length} shards are")} not whole: {Named(unfinished)}. Embed with " +
            $"the same arguments again: what is done stays.");

        IndexHeader? header = null;
        foreach (var shard in shards)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var index = Open(shard.Path, shard.Manifest);
            var own = index.Read(snapshot => snapshot.Header);
            header ??= own;
            if (own.Model != header.Model) throw Differ(first, shard, $"were embedded by different models, with the fingerprints " +
                $"{header.Model[..Math.Min(12, header.Model.Length)]}… and {own.Model[..Math.Min(12, own.Model.Length)]}…: embeddings of " +
                $"two models cannot be compared");
            if (own.VectorStorage != header.VectorStorage || own.Width != header.Width) throw Differ(
                first, shard, $"keep their vectors differently, in {header.VectorStorage} and {own.VectorStorage}");
            if (index.Count != shard.Manifest.Images)
                throw new InvalidDataException($"Shard {shard.Manifest.Shard} in {shard.Path} was changed after it was whole: it had " +
                    $"{shard.Manifest.Images} images and has {index.Count}. Embed it with the same arguments again.");
            index.Verify();
        }
        return new ShardSet(shards, header!);
    }

    private static InvalidDataException Differ((string Path, ShardManifest Manifest) one, (string Path, ShardManifest Manifest) other,
        string how) =>
        new($"Shards {one.Manifest.Shard} in {one.Path} and {other.Manifest.Shard} in {other.Path} {how}.");

    /// <summary>The first ten names, and how many more there are.</summary>
    private static string Named(string[] names) =>
        string.Join(", ", names.Take(10)) + (names.Length > 10 ? $" and {names.Length - 10} more" : "");
}
