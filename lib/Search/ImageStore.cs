using System.Diagnostics.CodeAnalysis;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search;

/// <summary>
/// A store of images by their embeddings, in a folder (<see cref="ImageSearchIndex"/>) or in PostgreSQL (<c>PgVectorImageStore</c> of
/// ClipNotebooks.Search.Postgres, whose <c>ImageStores</c> opens either by its place). Thread-safe.
/// </summary>
public abstract partial class ImageStore : IDisposable
{
    private readonly IClipEncoder? _encoder;

    private protected ImageStore(IClipEncoder? encoder, IndexOptions options) => (_encoder, Options) = (encoder, Validated(options));

    /// <summary>
    /// Where the images are kept, in words that may be shown: a folder; or a table, its database and server, without the password.
    /// </summary>
    public abstract string Place { get; }

    /// <summary>E, the width of an embedding.</summary>
    public abstract int Width { get; }

    /// <summary>How the vectors are kept.</summary>
    public abstract VectorStorage Storage { get; }

    /// <summary>The number of images in the store.</summary>
    public abstract int Count { get; }

    /// <summary>The folder that relative paths begin at; null until a folder is added.</summary>
    public string? Root => FullRoot(Options.Root) ?? StoredRoot;

    /// <summary>The model's fingerprint (<see cref="IClipEncoder.Fingerprint"/>): what an encoder must have to search here.</summary>
    public abstract string Model { get; }

    private protected IndexOptions Options { get; }

    private protected abstract string? StoredRoot { get; }

    /// <summary>The images most similar to a text.</summary>
    /// <param name="text">A caption; what exceeds the model's context length is cut off.</param>
    /// <param name="options">How many results, of which images, starting where.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>The most similar first.</returns>
    /// <exception cref="ArgumentException">The text is empty, or an option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The store was opened without an encoder.</exception>
    public IReadOnlyList<SearchResult> Search(string text, SearchOptions? options = null,
        CancellationToken cancellationToken = default) => Search(new SearchQuery().Plus(text), options, cancellationToken);

    /// <summary>The images most similar to an image.</summary>
    /// <inheritdoc cref="Search(string, SearchOptions?, CancellationToken)"/>
    /// <param name="image">Any size.</param>
    /// <param name="options">How many results, of which images, starting where.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public IReadOnlyList<SearchResult> Search(RasterImage image, SearchOptions? options = null,
        CancellationToken cancellationToken = default) => Search(new SearchQuery().Plus(image), options, cancellationToken);

    /// <summary>The images most similar to an embedding; needs no encoder.</summary>
    /// <param name="embedding">(E) values, of any norm but 0.</param>
    /// <param name="options">How many results, of which images, starting where.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>The most similar first.</returns>
    /// <exception cref="ArgumentException">
    /// The embedding has another width, is all zeros or not finite, or an option is out of its range.
    /// </exception>
    public IReadOnlyList<SearchResult> Search(ReadOnlySpan<float> embedding, SearchOptions? options = null,
        CancellationToken cancellationToken = default) => Search(new SearchQuery().Plus(embedding), options, cancellationToken);

    /// <summary>The images most similar to a sum of weighted texts, images and embeddings.</summary>
    /// <param name="query">At least one term.</param>
    /// <param name="options">How many results, of which images, starting where.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>The most similar first; in a folder, of equal scores the one added earlier.</returns>
    /// <exception cref="ArgumentException">
    /// The query has no terms or they cancel out, an embedding has another width, or an option is out of its range.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// A text or image is to be encoded, and the store was opened without an encoder.
    /// </exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public IReadOnlyList<SearchResult> Search(SearchQuery query, SearchOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        options ??= new SearchOptions();
        options.Validate();
        return SearchAt(Embed(query), options, cancellationToken);
    }

    /// <summary>A query as a point in CLIP's space: the normalised sum of its weighted terms.</summary>
    /// <param name="query">At least one term.</param>
    /// <returns>(E) values, L2-normalised.</returns>
    /// <exception cref="ArgumentException">The query has no terms or they cancel out, or an embedding has another width.</exception>
    /// <exception cref="InvalidOperationException">
    /// A text or image is to be encoded, and the store was opened without an encoder.
    /// </exception>
    public float[] Embed(SearchQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        if (query.Terms.Count == 0) throw new ArgumentException(
            "The query is empty: add a text, an image or an embedding to it.", nameof(query));
        var sum = new double[Width];
        foreach (var term in query.Terms)
        {
            var unit = term switch
            {
                { Text: { } text } => Encoder.EmbedTexts([text])[0],
                { Image: { } image } => Encoder.EmbedImages([image])[0],
                _ => Unit(term.Embedding!, nameof(query)),
            };
            for (int i = 0; i < sum.Length; i++) sum[i] += term.Weight * unit[i];
        }
        double length = Math.Sqrt(sum.Sum(value => value * value));
        if (!double.IsFinite(length))
            throw new ArgumentException("The query's terms add up to no finite number: make their weights smaller.", nameof(query));
        if (length < 1e-6) throw new ArgumentException("The query's terms cancel each other out: nothing is left to search for. Change a " +
            "weight.", nameof(query));
        return [.. sum.Select(value => (float)(value / length))];
    }

    /// <summary>The stored entry of an image; null if there is no such image.</summary>
    /// <param name="id">Its name in the store (<see cref="IndexEntry.Id"/>).</param>
    public abstract IndexEntry? Find(string id);

    /// <summary>The stored embedding of an image; null if there is no such image.</summary>
    /// <param name="id">Its name in the store (<see cref="IndexEntry.Id"/>).</param>
    /// <returns>(E) values, L2-normalised up to float16's rounding.</returns>
    public abstract float[]? Embedding(string id);

    /// <summary>Closes files and connections. The encoder is not disposed.</summary>
    public abstract void Dispose();

    /// <summary>The images nearest to a unit vector.</summary>
    private protected abstract IReadOnlyList<SearchResult> SearchAt(
        float[] point, SearchOptions options, CancellationToken cancellationToken);

    internal IndexEntry Public(StoredEntry entry) => new(entry.Id, entry.IsFile ? PathOf(entry.Id) : null, entry.Metadata);

    internal string PathOf(string id) => Path.IsPathRooted(id) || Root is not { } root ? id : Path.GetFullPath(id, root);

    private IClipEncoder Encoder => _encoder ?? throw new InvalidOperationException(
        $"The index in {Place} was opened without an encoder, so no text or image can be encoded. Open it with one, or search by an " +
            $"embedding.");

    private float[] Unit(ReadOnlySpan<float> embedding, string parameter)
    {
        if (embedding.Length != Width) throw new ArgumentException($"The embedding has {embedding.Length} values; those of this store " +
            $"have {Width}.", parameter);
        double square = 0;
        foreach (float value in embedding) square += (double)value * value;
        if (!double.IsFinite(square) || square == 0) throw new ArgumentException(
            $"The embedding has the length {Math.Sqrt(square)}: it points nowhere.", parameter);
        var unit = embedding.ToArray();
        for (int i = 0; i < unit.Length; i++) unit[i] = (float)(unit[i] / Math.Sqrt(square));
        return unit;
    }

    /// <exception cref="InvalidDataException">Another model built the store.</exception>
    private protected static void CheckModel(string place, string model, string modelSummary, string? sourceStamp, IClipEncoder encoder)
    {
        if (sourceStamp is not null && encoder.SourceStamp == sourceStamp) return;
        if (encoder.Fingerprint() is var given && given == model) return;
        throw new InvalidDataException(
            $"The index in {place} was built by another model: {modelSummary}, fingerprint {model[..Math.Min(12, model.Length)]}…; this " +
                $"one has {Summary(encoder)}, fingerprint {given[..12]}…. " +
            "Embeddings of two models cannot be compared. Open the index with the model that built it, or index the images again in " +
                "another place.");
    }

    private protected static string Summary(IClipEncoder encoder) =>
        $"embeddings of width {encoder.Width}, images of {encoder.Processor.Transform.Config.Size} pixels a side";

    private protected static IndexOptions Validated(IndexOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ReadingThreads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxPixels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxFileBytes, 1);
        return options;
    }

    [return: NotNullIfNotNull(nameof(root))]
    internal static string? FullRoot(string? root) => root is null ? null
        : Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
}
