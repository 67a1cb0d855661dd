using ClipNotebooks.Core.Inference;


namespace ClipNotebooks.Search.Postgres;

/// <summary>
/// Opens a store by its place: a folder, or PostgreSQL's connection string (<see cref="PgVectorImageStore.IsConnectionString"/>).
/// </summary>
public static class ImageStores
{
    /// <summary>Opens what is there.</summary>
    /// <inheritdoc cref="PgVectorImageStore.Open"/>
    /// <param name="place">A folder or a connection string.</param>
    /// <param name="encoder">
    /// The model that made the store; stays the caller's, and has to live as long as the store. Without it, a store can be searched by
    /// embeddings, read, and removed from.
    /// </param>
    /// <param name="options">How files are read; the storage is the store's own.</param>
    public static ImageStore Open(string place, IClipEncoder? encoder = null, IndexOptions? options = null) =>
        PgVectorImageStore.IsConnectionString(place) ? PgVectorImageStore.Open(place, encoder, options)
            : ImageSearchIndex.Open(place, encoder, options);

    /// <summary>Opens what is there, or makes a store without images.</summary>
    /// <inheritdoc cref="PgVectorImageStore.OpenOrCreate"/>
    /// <param name="place">A folder or a connection string.</param>
    /// <param name="encoder">The model; stays the caller's, and has to live as long as the store.</param>
    /// <param name="options">How a new store keeps its vectors, and how files are read.</param>
    public static ImageStore OpenOrCreate(string place, IClipEncoder encoder, IndexOptions? options = null) =>
        PgVectorImageStore.IsConnectionString(place) ? PgVectorImageStore.OpenOrCreate(place, encoder, options)
        : ImageSearchIndex.Exists(place) ? ImageSearchIndex.Open(place, encoder, options)
            : ImageSearchIndex.Create(place, encoder, options);

    /// <summary>A place as it may be shown: a folder's whole path; or a table, its database and server, without the password.</summary>
    /// <param name="place">A folder or a connection string.</param>
    public static string Shown(string place) => PgVectorImageStore.IsConnectionString(place)
        ? Postgres.PostgresAddress.Parse(place).ToString() : Path.GetFullPath(place);
}
