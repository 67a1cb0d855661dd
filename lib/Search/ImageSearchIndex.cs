using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search;

/// <summary>
/// An index of images by their embeddings, in one folder: vectors, which are memory-mapped and searched exactly, and a journal that says
/// which images they belong to. A crash loses nothing that was committed, and leaves nothing half-written visible. One object at a time,
/// among all processes, writes to a folder; any number read it, each as of the last commit it has loaded (<see cref="Refresh"/>).
/// Thread-safe.
/// </summary>
/// <remarks>
/// An index on disk: <c>vectors.bin</c>, 64 bytes of header and then rows of E float32 or float16 values, each row L2-normalised;
/// <c>journal.bin</c>, one checked record for each commit; <c>writer.lock</c>. After n compactions the vectors' file is named vectors-(n +
/// 1).bin.
/// </remarks>
public sealed partial class ImageSearchIndex : ImageStore
{
    private readonly Lock _writing = new();
    private Snapshot _snapshot;
    private IndexWriter? _writer;
    private Dictionary<string, long>? _rows;
    private volatile bool _disposed;

    private ImageSearchIndex(string folder, Snapshot snapshot, IClipEncoder? encoder, IndexOptions options)
        : base(encoder, options) => (Folder, _snapshot) = (folder, snapshot);

    /// <summary>Where the index is.</summary>
    public string Folder { get; }

    /// <inheritdoc/>
    public override string Place => Folder;

    /// <inheritdoc/>
    public override int Width => Volatile.Read(ref _snapshot).Header.Width;

    /// <inheritdoc/>
    public override VectorStorage Storage => Volatile.Read(ref _snapshot).Header.VectorStorage;

    /// <inheritdoc/>
    public override int Count => checked((int)Volatile.Read(ref _snapshot).Live);

    /// <inheritdoc/>
    public override string Model => Volatile.Read(ref _snapshot).Header.Model;

    /// <summary>The stored vectors, read-only.</summary>
    public IndexEmbeddings Embeddings => new(this);

    /// <summary>Creates an empty index.</summary>
    /// <param name="folder">Created if missing.</param>
    /// <param name="encoder">The model; the caller disposes it, after the index.</param>
    /// <param name="options">How vectors are kept, and how files are read.</param>
    /// <exception cref="IOException">The folder holds an index already, or cannot be written.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static ImageSearchIndex Create(string folder, IClipEncoder encoder, IndexOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(encoder);
        return Create(folder, encoder.Width, encoder.Fingerprint(), Summary(encoder), encoder,
            options ?? new IndexOptions());
    }

    /// <summary>
    /// Opens an index, in some twenty milliseconds for a million images. If the encoder's files are not those that the index was made with,
    /// by their stamps, its fingerprint is compared, which takes the time of reading its weights once.
    /// </summary>
    /// <param name="folder">A folder that <see cref="Create(string, IClipEncoder, IndexOptions?)"/> made.</param>
    /// <param name="encoder">
    /// The model that made the index; the caller disposes it, after the index. Without it, an index can be searched by embeddings and read,
    /// embeddings can be added, and images removed.
    /// </param>
    /// <param name="options">How files are read; the storage is the index's own.</param>
    /// <exception cref="FileNotFoundException">The folder holds no index.</exception>
    /// <exception cref="InvalidDataException">Another model made the index, or a file of it is damaged; the message says which.</exception>
    public static ImageSearchIndex Open(string folder, IClipEncoder? encoder = null, IndexOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        folder = Path.GetFullPath(folder);
        var snapshot = Snapshot.Load(folder);
        try
        {
            var header = snapshot.Header;
            if (encoder is not null) CheckModel(folder, header.Model, header.ModelSummary, header.SourceStamp, encoder);
            return new ImageSearchIndex(folder, snapshot, encoder, options ?? new IndexOptions());
        }
        catch
        {
            snapshot.Dispose();
            throw;
        }
    }

    /// <summary>Whether a folder holds an index.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, Snapshot.JournalName));

    /// <inheritdoc/>
    public override IndexEntry? Find(string id)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return Read(snapshot => snapshot.Find(id) is >= 0 and var row ? Public(snapshot.Entry(row)) : null);
    }

    /// <inheritdoc/>
    public override float[]? Embedding(string id)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return Read(snapshot => snapshot.Find(id) is >= 0 and var row ? snapshot.Vector(row) : null);
    }

    /// <summary>
    /// Groups of images that resemble each other, found by comparing every pair: N² / 2 dot products, seconds for 10,000 images and hours
    /// for a million. An image belongs to a group when it resembles one of its members.
    /// </summary>
    /// <param name="threshold">The least cosine similarity of a pair; files with the same bytes have 1.</param>
    /// <param name="cancellationToken">Stops the comparison.</param>
    /// <returns>Groups of two or more, in the order of their first image.</returns>
    /// <exception cref="InvalidDataException">A stored vector is not finite; the message names its image.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public IReadOnlyList<IReadOnlyList<IndexEntry>> Duplicates(double threshold = 0.98, CancellationToken cancellationToken = default) =>
        Read(snapshot =>
        DuplicateSearch.Run(snapshot, (float)threshold, cancellationToken)
            .Select(rows => rows.Select(row => Public(snapshot.Entry(row))).ToArray()).ToArray());

    /// <summary>Loads what other writers have committed since this index was opened or last refreshed.</summary>
    /// <returns>Whether anything was committed; false if this object is itself the writer.</returns>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public bool Refresh()
    {
        lock (_writing)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_writer is not null) return false;
            long length = _snapshot.JournalLength;
            Replace(Snapshot.Load(Folder, _snapshot));
            return !_snapshot.WentOn || _snapshot.JournalLength != length;
        }
    }

    /// <summary>Reads all vectors and compares their checksums with those that were committed.</summary>
    /// <exception cref="InvalidDataException">Vectors were damaged after they were written; the message says which.</exception>
    public void Verify() => Read(snapshot => snapshot.FirstDamaged() is { } damaged
        ? throw new InvalidDataException(
            $"{Path.Combine(Folder, snapshot.Header.VectorsName)} is damaged: rows {damaged.FirstRow} to " +
                $"{damaged.FirstRow + damaged.Count - 1}, from \"{snapshot.Entry(damaged.FirstRow).Id}\" on, " +
            "are not those that were written. Restore the file, or index the images again.")
        : true);

    /// <summary>Closes the files, and lets another object write. The encoder is not disposed. Searches in progress finish.</summary>
    public override void Dispose()
    {
        lock (_writing)
        {
            if (_disposed) return;
            _disposed = true;
            _writer?.Dispose();
            _snapshot.Dispose();
        }
    }

    /// <summary>Creates an empty index for vectors of any origin.</summary>
    internal static ImageSearchIndex Create(string folder, int width, string model, string modelSummary, IClipEncoder? encoder,
        IndexOptions options)
    {
        Validated(options);
        folder = Path.GetFullPath(folder);
        var header = new IndexHeader { Generation = 1, Width = width, Storage = options.Storage.ToString(), Model = model,
            ModelSummary = modelSummary, SourceStamp = encoder?.SourceStamp };
        IndexWriter.Create(folder, header, FullRoot(options.Root));
        return new ImageSearchIndex(folder, Snapshot.Load(folder), encoder, options);
    }

    /// <summary>Runs on the current snapshot, which is kept open meanwhile.</summary>
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

    private protected override string? StoredRoot => Volatile.Read(ref _snapshot).Root;

    private protected override IReadOnlyList<SearchResult> SearchAt(
        float[] point, SearchOptions options, CancellationToken cancellationToken) => Read(snapshot =>
    {
        Func<StoredEntry, bool>? filter = options.Filter is { } accepts ? entry => accepts(Public(entry)) : null;
        var nearest = Nearest(snapshot, point, (options.Skip, options.Top), options.MinScore, filter, cancellationToken);
        return nearest.Select(hit => (Entry: Public(snapshot.Entry(hit.Row)), hit.Score))
            .Select(hit => new SearchResult(hit.Entry.Id, hit.Entry.Path, hit.Score, hit.Entry.Metadata)).ToArray();
    });

    private static IEnumerable<(float Score, long Row)> Nearest(Snapshot snapshot, float[] point, (int Skip, int Top) page,
        double minScore, Func<StoredEntry, bool>? accepts, CancellationToken cancellationToken)
    {
        Func<long, bool>? filter = accepts is null ? null : row => accepts(snapshot.Entry(row));
        int wanted = (int)Math.Min(int.MaxValue, (long)page.Skip + page.Top);
        return ExactSearch.Run(snapshot, point, wanted, (float)minScore, filter, cancellationToken).Skip(page.Skip);
    }

    private void Replace(Snapshot snapshot)
    {
        var before = _snapshot;
        Volatile.Write(ref _snapshot, snapshot);
        before.Dispose();
    }
}
