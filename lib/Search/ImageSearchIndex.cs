using ClipNotebooks.Clip.Images;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Search.Storage;
using static TorchSharp.torch;

namespace ClipNotebooks.Search;

/// <summary>
/// Images by their embeddings, in one folder: vectors that are memory-mapped and searched exactly, and a journal that says what they are. Nothing that was
/// committed is lost by a crash, and nothing half-written is seen. One object at a time writes to a folder, among all processes; any number reads
/// it, each from the last commit it has seen (<see cref="Refresh"/>). Thread-safe.
/// </summary>
/// <remarks>
/// An index on disk: <c>vectors.bin</c>, 64 bytes of header and then rows of E float32 or float16, each of length 1; <c>journal.bin</c>, one checked record for each
/// commit; <c>writer.lock</c>. After a compaction the vectors' file has the compaction's number.
/// </remarks>
public sealed partial class ImageSearchIndex : IDisposable
{
    private readonly Lock _writing = new();
    private readonly ClipEncoder? _encoder;
    private readonly IndexOptions _options;
    private Snapshot _snapshot;
    private IndexWriter? _writer;
    private Dictionary<string, long>? _rows;
    private volatile bool _disposed;

    private ImageSearchIndex(string folder, Snapshot snapshot, ClipEncoder? encoder, IndexOptions options) =>
        (Folder, _snapshot, _encoder, _options) = (folder, snapshot, encoder, options);

    /// <summary>Where the index is.</summary>
    public string Folder { get; }

    /// <summary>E, the width of an embedding.</summary>
    public int Width => Volatile.Read(ref _snapshot).Header.Width;

    /// <summary>How the vectors are kept.</summary>
    public VectorStorage Storage => Volatile.Read(ref _snapshot).Header.VectorStorage;

    /// <summary>How many images can be found.</summary>
    public int Count => checked((int)Volatile.Read(ref _snapshot).Live);

    /// <summary>The folder that relative paths begin at; null as long as no folder was added.</summary>
    public string? Root => FullRoot(_options.Root) ?? Volatile.Read(ref _snapshot).Root;

    /// <summary>The model's fingerprint (<see cref="ModelFingerprint"/>): what an encoder must have to search here.</summary>
    public string Model => Volatile.Read(ref _snapshot).Header.Model;

    /// <summary>The stored vectors, to read.</summary>
    public IndexEmbeddings Embeddings => new(this);

    /// <summary>Makes an index without images.</summary>
    /// <param name="folder">Made if it is not there.</param>
    /// <param name="encoder">The model; stays the caller's, and has to live as long as the index.</param>
    /// <param name="options">How vectors are kept, and how files are read.</param>
    /// <exception cref="IOException">The folder holds an index already, or cannot be written.</exception>
    public static ImageSearchIndex Create(string folder, ClipEncoder encoder, IndexOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(encoder);
        return Create(folder, encoder.Model.Config.EmbeddingWidth, ModelFingerprint.Of(encoder), Summary(encoder), encoder, options ?? new IndexOptions());
    }

    /// <summary>Opens an index in milliseconds, some twenty for a million images; an encoder's fingerprint adds the time of reading its weights once.</summary>
    /// <param name="folder">What <see cref="Create(string, ClipEncoder, IndexOptions?)"/> made.</param>
    /// <param name="encoder">The model that made it; stays the caller's, and has to live as long as the index. Without it, an index can be searched by embeddings, read, and removed from.</param>
    /// <param name="options">How files are read; the storage is the index's own.</param>
    /// <exception cref="FileNotFoundException">The folder holds no index.</exception>
    /// <exception cref="InvalidDataException">Another model made the index, or a file of it is damaged; the message says which.</exception>
    public static ImageSearchIndex Open(string folder, ClipEncoder? encoder = null, IndexOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        folder = Path.GetFullPath(folder);
        var snapshot = Snapshot.Load(folder);
        try
        {
            if (encoder is not null) CheckModel(folder, snapshot.Header, encoder);
            return new ImageSearchIndex(folder, snapshot, encoder, Validated(options ?? new IndexOptions()));
        }
        catch
        {
            snapshot.Dispose();
            throw;
        }
    }

    /// <summary>Whether a folder holds an index.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, Snapshot.JournalName));

    /// <summary>The images most similar to a text.</summary>
    /// <param name="text">A caption; cut at the model's context length.</param>
    /// <param name="options">How many, which, from which on.</param>
    /// <returns>The most similar first.</returns>
    /// <exception cref="ArgumentException">The text is empty, or an option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The index was opened without an encoder.</exception>
    public IReadOnlyList<SearchResult> Search(string text, SearchOptions? options = null) => Search(new SearchQuery().Plus(text), options);

    /// <summary>The images most similar to an image.</summary>
    /// <inheritdoc cref="Search(string, SearchOptions?)"/>
    /// <param name="image">Any size.</param>
    /// <param name="options">How many, which, from which on.</param>
    public IReadOnlyList<SearchResult> Search(RgbImage image, SearchOptions? options = null) => Search(new SearchQuery().Plus(image), options);

    /// <summary>The images most similar to an embedding; needs no encoder.</summary>
    /// <param name="embedding">(E) values, of any length but 0.</param>
    /// <param name="options">How many, which, from which on.</param>
    /// <returns>The most similar first.</returns>
    /// <exception cref="ArgumentException">The embedding has another width, is 0 or not finite, or an option is out of its range.</exception>
    public IReadOnlyList<SearchResult> Search(ReadOnlySpan<float> embedding, SearchOptions? options = null) => Search(new SearchQuery().Plus(embedding), options);

    /// <summary>The images most similar to a sum of weighted texts, images and embeddings.</summary>
    /// <param name="query">At least one term.</param>
    /// <param name="options">How many, which, from which on.</param>
    /// <returns>The most similar first; of equal scores the one added earlier.</returns>
    /// <exception cref="ArgumentException">The query has no terms or they cancel out, an embedding has another width, or an option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">A text or image is to be encoded, and the index was opened without an encoder.</exception>
    /// <exception cref="OperationCanceledException">The options' cancellation was triggered.</exception>
    public IReadOnlyList<SearchResult> Search(SearchQuery query, SearchOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(query);
        options ??= new SearchOptions();
        options.Validate();
        var point = Embed(query);
        return Read(snapshot =>
        {
            Func<long, bool>? filter = options.Filter is { } accepts ? row => accepts(Public(snapshot.Entry(row))) : null;
            int wanted = (int)Math.Min(int.MaxValue, (long)options.Skip + options.Count);
            return ExactSearch.Run(snapshot, point, wanted, (float)options.MinScore, filter, options.Cancellation)
                .Skip(options.Skip)
                .Select(Result)
                .ToArray();

            SearchResult Result((float Score, long Row) hit)
            {
                var (id, path, metadata) = Public(snapshot.Entry(hit.Row));
                return new SearchResult(id, path, hit.Score, metadata);
            }
        });
    }

    /// <summary>The point of CLIP's space that a query stands for.</summary>
    /// <param name="query">At least one term.</param>
    /// <returns>(E) values, of length 1.</returns>
    /// <exception cref="ArgumentException">The query has no terms or they cancel out, or an embedding has another width.</exception>
    /// <exception cref="InvalidOperationException">A text or image is to be encoded, and the index was opened without an encoder.</exception>
    public float[] Embed(SearchQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        if (query.Terms.Count == 0) throw new ArgumentException("The query is empty: add a text, an image or an embedding to it.", nameof(query));
        var sum = new double[Width];
        foreach (var term in query.Terms)
        {
            var unit = term switch
            {
                { Text: { } text } => Encode(encoder => encoder.EncodeTexts([text])),
                { Image: { } image } => Encode(encoder => encoder.EncodeImages([image])),
                _ => Unit(term.Embedding!, nameof(query)),
            };
            for (int i = 0; i < sum.Length; i++) sum[i] += term.Weight * unit[i];
        }
        double length = Math.Sqrt(sum.Sum(value => value * value));
        if (length < 1e-6) throw new ArgumentException("The query's terms cancel each other out: nothing is left to search for. Change a weight.", nameof(query));
        return [.. sum.Select(value => (float)(value / length))];
    }

    /// <summary>What is stored of an image, or null.</summary>
    /// <param name="id">Its name in the index (<see cref="IndexEntry.Id"/>).</param>
    public IndexEntry? Find(string id)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return Read(snapshot => snapshot.Find(id) is >= 0 and var row ? Public(snapshot.Entry(row)) : null);
    }

    /// <summary>
    /// Groups of images that resemble each other, found by comparing every pair: N² / 2 dot products, seconds for 10,000 images and hours for a million. An image
    /// belongs to a group when it resembles one of its members.
    /// </summary>
    /// <param name="threshold">The least cosine similarity of a pair; files with the same bytes have 1.</param>
    /// <param name="cancellation">Stops the comparison.</param>
    /// <returns>Groups of two or more, in the order of their first image.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was triggered.</exception>
    public IReadOnlyList<IReadOnlyList<IndexEntry>> Duplicates(double threshold = 0.98, CancellationToken cancellation = default) => Read(snapshot =>
        DuplicateSearch.Run(snapshot, (float)threshold, cancellation).Select(rows => rows.Select(row => Public(snapshot.Entry(row))).ToArray()).ToArray());

    /// <summary>Shows what other writers have committed since this index was opened or last refreshed.</summary>
    /// <returns>Whether anything was.</returns>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public bool Refresh()
    {
        lock (_writing)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_writer is not null) return false;
            var before = _snapshot;
            var (header, length) = (before.Header, before.JournalLength);
            Replace(Snapshot.Load(Folder, before));
            return _snapshot.Header != header || _snapshot.JournalLength != length;
        }
    }

    /// <summary>Reads all vectors and compares their checksums with those that were committed.</summary>
    /// <exception cref="InvalidDataException">Vectors were damaged after they were written; the message says which.</exception>
    public void Verify() => Read(snapshot => snapshot.FirstDamaged() is { } damaged
        ? throw new InvalidDataException(
            $"{Path.Combine(Folder, snapshot.Header.VectorsName)} is damaged: rows {damaged.FirstRow} to {damaged.FirstRow + damaged.Count - 1}, from \"{snapshot.Entry(damaged.FirstRow).Id}\" on, " +
            "are not those that were written. Restore the file, or index the images again.")
        : true);

    /// <summary>Closes the files and ends the right to write. The encoder stays. Searches under way end as they began.</summary>
    public void Dispose()
    {
        lock (_writing)
        {
            if (_disposed) return;
            _disposed = true;
            _writer?.Dispose();
            _snapshot.Dispose();
        }
    }

    /// <summary>Makes an index for vectors of any origin.</summary>
    internal static ImageSearchIndex Create(string folder, int width, string model, string modelSummary, ClipEncoder? encoder, IndexOptions options)
    {
        Validated(options);
        folder = Path.GetFullPath(folder);
        var header = new IndexHeader { Generation = 1, Width = width, Storage = options.Storage.ToString(), Model = model, ModelSummary = modelSummary };
        IndexWriter.Create(folder, header, FullRoot(options.Root));
        return new ImageSearchIndex(folder, Snapshot.Load(folder), encoder, options);
    }

    /// <summary>Runs on a snapshot that stays while it is read.</summary>
    internal T Read<T>(Func<Snapshot, T> read)
    {
        var snapshot = Hold();
        try
        {
            return read(snapshot);
        }
        finally
        {
            snapshot.Release();
        }
    }

    /// <summary>The current snapshot; the caller releases it.</summary>
    internal Snapshot Hold()
    {
        while (true)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var snapshot = Volatile.Read(ref _snapshot);
            if (snapshot.TryHold()) return snapshot;
        }
    }

    internal IndexEntry Public(StoredEntry entry) => new(entry.Id, entry.IsFile ? PathOf(entry.Id) : null, entry.Metadata);

    private string PathOf(string id) => Path.IsPathRooted(id) || Root is not { } root ? id : Path.GetFullPath(id, root);

    private void Replace(Snapshot snapshot)
    {
        var before = _snapshot;
        Volatile.Write(ref _snapshot, snapshot);
        before.Dispose();
    }

    private ClipEncoder Encoder => _encoder ?? throw new InvalidOperationException(
        $"The index in {Folder} was opened without an encoder, so no text or image can be encoded. Hand one to {nameof(Open)}, or search by an embedding.");

    private float[] Encode(Func<ClipEncoder, Tensor> encode)
    {
        using var embeddings = encode(Encoder);                          // (1, E)
        return embeddings.data<float>().ToArray();
    }

    private float[] Unit(ReadOnlySpan<float> embedding, string parameter)
    {
        if (embedding.Length != Width) throw new ArgumentException($"The embedding has {embedding.Length} values; those of this index have {Width}.", parameter);
        double square = 0;
        foreach (float value in embedding) square += (double)value * value;
        if (!double.IsFinite(square) || square == 0) throw new ArgumentException($"The embedding has the length {Math.Sqrt(square)}: it points nowhere.", parameter);
        var unit = embedding.ToArray();
        for (int i = 0; i < unit.Length; i++) unit[i] = (float)(unit[i] / Math.Sqrt(square));
        return unit;
    }

    private static void CheckModel(string folder, IndexHeader header, ClipEncoder encoder)
    {
        if (ModelFingerprint.Of(encoder) is var given && given == header.Model) return;
        throw new InvalidDataException(
            $"The index in {folder} was built by another model: {header.ModelSummary}, fingerprint {header.Model[..12]}…; this one has {Summary(encoder)}, fingerprint {given[..12]}…. " +
            "Embeddings of two models cannot be compared. Open the index with the model that built it, or index the images again in another folder.");
    }

    private static string Summary(ClipEncoder encoder) => $"embeddings of width {encoder.Model.Config.EmbeddingWidth}, images of {encoder.Processor.Transform.Config.Size} pixels a side";

    private static IndexOptions Validated(IndexOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ReadingThreads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxPixels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxFileBytes, 1);
        return options;
    }

    private static string? FullRoot(string? root) => root is null ? null : Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
}
