using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search.Sharding;
using ClipNotebooks.Search.Storage;


namespace ClipNotebooks.Search.Postgres;

/// <summary>
/// Opens a store by its place: a folder, or PostgreSQL's connection string (<see cref="PgVectorImageStore.IsConnectionString"/>).
/// </summary>
public static class ImageStores
{
    private const int ImagesPerReport = 1000;

    /// <summary>Opens an existing store.</summary>
    /// <inheritdoc cref="PgVectorImageStore.Open"/>
    /// <param name="place">A folder or a connection string.</param>
    /// <param name="encoder">
    /// The model that made the store; the caller disposes it, after the store. Without it, a store can be searched by embeddings and read,
    /// embeddings can be added, and images removed.
    /// </param>
    /// <param name="options">How files are read; the storage is the store's own.</param>
    public static ImageStore Open(string place, IClipEncoder? encoder = null, IndexOptions? options = null) =>
        PgVectorImageStore.IsConnectionString(place) ? PgVectorImageStore.Open(place, encoder, options)
            : ImageSearchIndex.Open(place, encoder, options);

    /// <summary>Opens an existing store, or creates an empty one.</summary>
    /// <inheritdoc cref="PgVectorImageStore.OpenOrCreate"/>
    /// <param name="place">A folder or a connection string.</param>
    /// <param name="encoder">The model; the caller disposes it, after the store.</param>
    /// <param name="options">How a new store keeps its vectors, and how files are read.</param>
    public static ImageStore OpenOrCreate(string place, IClipEncoder encoder, IndexOptions? options = null) =>
        PgVectorImageStore.IsConnectionString(place) ? PgVectorImageStore.OpenOrCreate(place, encoder, options)
        : ImageSearchIndex.Exists(place) ? ImageSearchIndex.Open(place, encoder, options)
            : ImageSearchIndex.Create(place, encoder, options);

    /// <summary>
    /// Merges shards into one store, equal to the one that adding the whole folder would have made (<see cref="ShardedIndex.Merge"/>). In
    /// PostgreSQL all images are copied in one transaction, so that an interruption leaves none.
    /// </summary>
    /// <param name="shards">The folders of all N shards, in any order; or a single index that is not a shard.</param>
    /// <param name="place">The new index's folder, or the connection string of a store that has no images yet.</param>
    /// <param name="progress">
    /// Receives the images merged so far and their total, after every shard (folder) or every thousand images (PostgreSQL).
    /// </param>
    /// <param name="cancellationToken">Stops; nothing is left.</param>
    /// <returns>How many images there are.</returns>
    /// <exception cref="InvalidDataException">
    /// A shard is missing, given twice, incomplete or damaged, or the shards differ in N, folder, model or storage; the message names the
    /// shards.
    /// </exception>
    /// <exception cref="IOException"><paramref name="place"/> holds something already, or cannot be written or reached.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public static int Merge(IReadOnlyCollection<string> shards, string place, IProgress<(int Done, int Total)>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(shards);
        ArgumentException.ThrowIfNullOrEmpty(place);
        if (!PgVectorImageStore.IsConnectionString(place)) return ShardedIndex.Merge(shards, place, progress, cancellationToken);
        var parts = ShardSet.Check(shards, cancellationToken);
        var header = parts.Header;
        using var store = PgVectorImageStore.Connect(place, header.Width, header.Model, header.ModelSummary,
            new IndexOptions { Storage = header.VectorStorage, Root = parts.Root });
        if (store.Count is > 0 and var images) throw new IOException(
            $"{store.Place} holds {images:N0} images already. Choose another table, Table=…, or drop this one first.");
        if (store.Storage != header.VectorStorage) throw new IOException($"{store.Place} keeps its vectors in {store.Storage}, and the " +
            $"shards theirs in {header.VectorStorage}. Choose another table: Table=….");
        int done = 0;
        return store.Load(parts.InOrder.SelectMany(Rows), cancellationToken);

        IEnumerable<(float[], StoredEntry)> Rows((string Path, ShardManifest Manifest) shard)
        {
            using var part = ShardSet.Open(shard.Path, shard.Manifest);
            foreach (var row in store.Rows(part))
            {
                yield return row;
                if (++done % ImagesPerReport == 0 || done == parts.Images) progress?.Report((done, parts.Images));
            }
        }
    }

    /// <summary>A place as it may be shown: a folder's whole path; or a table, its database and server, without the password.</summary>
    /// <param name="place">A folder or a connection string.</param>
    public static string Shown(string place) => PgVectorImageStore.IsConnectionString(place)
        ? PostgresAddress.Parse(place).ToString() : Path.GetFullPath(place);
}
