using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search.Indexing;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search;

// How images are added to a store of any kind.
public abstract partial class ImageStore
{
    /// <summary>
    /// Brings the store up to date with a folder: new files are added, files with changed bytes encoded again, and missing files removed. A
    /// file with the same length and time is not opened; one with another time but the same bytes is not encoded. Files are read and
    /// resized on all cores while the model encodes. Every batch is committed by itself, so the next call continues an interrupted one.
    /// </summary>
    /// <param name="folder">
    /// The first folder added becomes <see cref="Root"/>; paths inside it are stored relative to it, others absolute.
    /// </param>
    /// <param name="recursive">
    /// Whether to include subfolders. Hidden ones and links to folders are skipped; links to files are followed.
    /// </param>
    /// <param name="progress">Receives the state after every batch.</param>
    /// <param name="cancellationToken">Stops; what is committed stays.</param>
    /// <returns>Which images were added, updated, unchanged and removed, and which files could not be read.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidOperationException">The store was opened without an encoder.</exception>
    /// <exception cref="IOException">
    /// Another object writes to this index, the device is full, or the server fails; what is committed stays.
    /// </exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public async Task<IndexReport> AddFolderAsync(
        string folder, bool recursive = true, IProgress<IndexProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        folder = FullRoot(folder);
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder {folder} to index.");
        _ = Encoder;
        return await Task.Run(async () =>
        {
            KeepRoot(folder);
            var scan = FolderScan.Run(folder, recursive, Options.Extensions, cancellationToken);
            var report = await IndexAsync(
                [.. scan.Files.Select(file => Found(file))], Unreadable(scan), progress, cancellationToken).ConfigureAwait(false);
            var gone = Gone(folder, recursive, scan);
            Remove(gone);
            return report with { Removed = [.. report.Removed.Concat(gone).Order(StringComparer.Ordinal)] };
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Adds files, or brings them up to date, as <see cref="AddFolderAsync"/> does. Only files that are no longer images are removed.
    /// </summary>
    /// <param name="files">Paths, with any ending.</param>
    /// <param name="progress">Receives the state after every batch.</param>
    /// <param name="cancellationToken">Stops; what is committed stays.</param>
    /// <returns>Which images were added, updated, unchanged and removed, and which files could not be read.</returns>
    /// <exception cref="InvalidOperationException">The store was opened without an encoder.</exception>
    /// <exception cref="IOException">
    /// Another object writes to this index, the device is full, or the server fails; what is committed stays.
    /// </exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public async Task<IndexReport> AddFilesAsync(
        IEnumerable<string> files, IProgress<IndexProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(files);
        _ = Encoder;
        return await Task.Run(() => IndexAsync([.. files.Select(file => Found(new FileInfo(file))).DistinctBy(file => file.Id)], [],
            progress, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>
    /// Adds an image from memory and commits it; replaces one of the same name. For several, <see cref="AddRange"/> is faster.
    /// </summary>
    /// <param name="id">Its name in the store; not empty.</param>
    /// <param name="image">Any size.</param>
    /// <param name="metadata">Keys and values to store with it.</param>
    /// <exception cref="InvalidOperationException">The store was opened without an encoder.</exception>
    /// <exception cref="IOException">Another object writes to this index, the device is full, or the server fails.</exception>
    public void Add(string id, RasterImage image, IReadOnlyDictionary<string, string>? metadata = null) =>
        AddRange([new IndexImage(id, image, metadata)]);

    /// <summary>Decodes an image from a stream, adds it and commits it; replaces one of the same name.</summary>
    /// <param name="id">Its name in the store; not empty.</param>
    /// <param name="stream">A file's bytes, read to the end; at most <see cref="IndexOptions.MaxFileBytes"/>.</param>
    /// <param name="metadata">Keys and values to store with it.</param>
    /// <exception cref="InvalidDataException">The stream is not an image that can be read; the message says why.</exception>
    /// <exception cref="InvalidOperationException">The store was opened without an encoder.</exception>
    /// <exception cref="IOException">Another object writes to this index, the device is full, or the server fails.</exception>
    public void Add(string id, Stream stream, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentNullException.ThrowIfNull(stream);
        using var whole = new MemoryStream();
        var buffer = new byte[81920];
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            if (whole.Length + read > Options.MaxFileBytes) throw new InvalidDataException(
                $"{id} has more than the {Options.MaxFileBytes:N0} bytes allowed. " +
                            $"Raise {nameof(IndexOptions.MaxFileBytes)} if it is meant.");
            whole.Write(buffer, 0, read);
        }
        var bytes = whole.GetBuffer().AsMemory(0, (int)whole.Length);
        using var image = Decoder.Decode(bytes, id);
        Add(id, image, metadata);
    }

    /// <summary>Adds images from memory, a batch at a time; replaces those of the same name.</summary>
    /// <param name="images">Read one batch at a time.</param>
    /// <exception cref="ArgumentException">
    /// A name is empty, or a name or metadata have a lone surrogate; the batches before it are committed.
    /// </exception>
    /// <exception cref="InvalidOperationException">The store was opened without an encoder.</exception>
    /// <exception cref="IOException">
    /// Another object writes to this index, the device is full, or the server fails; batches before are committed.
    /// </exception>
    public void AddRange(IEnumerable<IndexImage> images)
    {
        ArgumentNullException.ThrowIfNull(images);
        var batch = new Dictionary<string, IndexImage>(StringComparer.Ordinal);
        foreach (var image in images)
        {
            ArgumentException.ThrowIfNullOrEmpty(image.Id, nameof(images));
            RequireWhole(image.Id, nameof(images));
            RequireWhole(image.Metadata, nameof(images));
            ArgumentNullException.ThrowIfNull(image.Image, nameof(images));
            if (batch.ContainsKey(image.Id) || batch.Count == Options.BatchSize) Flush();
            batch.Add(image.Id, image);
        }
        Flush();

        void Flush()
        {
            if (batch.Count == 0) return;
            var embeddings = Encoder.EmbedImages([.. batch.Values.Select(image => image.Image)], [.. batch.Keys]);            // B × (E)
            Commit([.. embeddings.SelectMany(row => row)], [.. batch.Values.Select(
                image => new StoredEntry { Id = image.Id, IsFile = false, Hash = HashOf(image.Image), Metadata = Copy(image.Metadata) })]);
            batch.Clear();
        }
    }

    /// <summary>
    /// Adds embeddings that were made elsewhere, by the model of this store, in one commit; replaces those of the same name.
    /// </summary>
    /// <param name="ids">N names, all different, none empty.</param>
    /// <param name="embeddings">(N, E) values, row-major; each row is L2-normalised before it is stored.</param>
    /// <param name="metadata">Keys and values to store with each; N dictionaries, or null.</param>
    /// <exception cref="ArgumentException">
    /// The counts do not fit, a name is empty, repeated or has a lone surrogate, or a row is all zeros or not finite.
    /// </exception>
    /// <exception cref="IOException">Another object writes to this index, the device is full, or the server fails.</exception>
    public void AddEmbeddings(IReadOnlyList<string> ids, ReadOnlySpan<float> embeddings, IReadOnlyList<IReadOnlyDictionary<string,
        string>?>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(ids);
        if (embeddings.Length != (long)ids.Count * Width)
            throw new ArgumentException($"{ids.Count} embeddings of width {Width} are {(long)ids.Count * Width} values; " +
                $"{embeddings.Length} were given.", nameof(embeddings));
        if (metadata is not null && metadata.Count != ids.Count) throw new ArgumentException(
            $"There are {ids.Count} names and {metadata.Count} metadata.", nameof(metadata));
        if (ids.Any(string.IsNullOrEmpty)) throw new ArgumentException("A name is empty.", nameof(ids));
        foreach (string id in ids) RequireWhole(id, nameof(ids));
        foreach (var each in metadata ?? []) RequireWhole(each, nameof(metadata));
        if (ids.GroupBy(id => id, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } repeated)
            throw new ArgumentException($"The name \"{repeated.Key}\" is given {repeated.Count()} times.", nameof(ids));
        if (ids.Count == 0) return;
        var units = new float[embeddings.Length];
        for (int i = 0; i < ids.Count; i++) Unit(embeddings.Slice(i * Width, Width), nameof(embeddings)).CopyTo(units, i * Width);
        Commit(units, [.. ids.Select((id, i) => new StoredEntry { Id = id, IsFile = false, Metadata = Copy(metadata?[i]) })]);
    }

    /// <summary>
    /// Adds all images of an index built by the same model, for example one that another machine made; replaces those of the same name.
    /// Files keep their stored length, time and hash, so that they count as unchanged when their folder is added.
    /// </summary>
    /// <param name="other">
    /// The other index, which is not changed. If this store has no <see cref="Root"/> yet, it takes the other's.
    /// </param>
    /// <param name="cancellationToken">Stops; a folder keeps the batches committed so far, PostgreSQL none.</param>
    /// <returns>How many images were added.</returns>
    /// <exception cref="ArgumentException">Another model built the other index.</exception>
    /// <exception cref="InvalidDataException">A vector of the other index is not finite; the message names its image.</exception>
    /// <exception cref="IOException">Another object writes to this index, the device is full, or the server fails.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public int AddFrom(ImageSearchIndex other, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Model != Model || other.Width != Width)
            throw new ArgumentException($"The index in {other.Folder} was built by another model than the one in {Place}: fingerprints " +
                $"{other.Model} and {Model}. Embeddings of two models cannot be compared.", nameof(other));
        if (other.Root is { } root) KeepRoot(root);
        return Load(Rows(other), cancellationToken);
    }

    /// <summary>
    /// The images of an index, as they are to be stored here, under distinct names: of those whose names become equal, the one added last.
    /// Holds the index's snapshot while it is enumerated.
    /// </summary>
    internal IEnumerable<(float[] Vector, StoredEntry Entry)> Rows(ImageSearchIndex other)
    {
        var snapshot = other.Hold();
        try
        {
            var last = new Dictionary<string, long>(StringComparer.Ordinal);
            foreach (var (row, entry) in snapshot.Entries()) last[Named(entry).Id] = row;
            foreach (var (row, entry) in snapshot.Entries().Select(pair => (pair.Row, Named(pair.Entry))))
            {
                if (last[entry.Id] != row) continue;
                float[] vector = snapshot.Vector(row);
                if (vector.Any(value => !float.IsFinite(value))) throw ExactSearch.NonFinite(snapshot, row);
                yield return (vector, entry);
            }
        }
        finally
        {
            snapshot.Release();
        }

        StoredEntry Named(StoredEntry entry) => entry.IsFile ? entry with { Id = IdOf(other.PathOf(entry.Id)) } : entry;
    }

    /// <summary>Removes images.</summary>
    /// <param name="ids">Their names in the store (<see cref="IndexEntry.Id"/>).</param>
    /// <returns>How many of them were in the store.</returns>
    /// <exception cref="IOException">Another object writes to this index, the device is full, or the server fails.</exception>
    public abstract int Remove(params IReadOnlyCollection<string> ids);

    /// <summary>
    /// Stores unit vectors, (N, E) values row-major, under N distinct names, atomically. Replaces images that had these names.
    /// </summary>
    /// <returns>For each name, whether an image was replaced.</returns>
    private protected abstract bool[] Commit(float[] vectors, StoredEntry[] entries);

    /// <summary>Stores many images under distinct names.</summary>
    /// <returns>How many images were stored.</returns>
    internal abstract int Load(IEnumerable<(float[] Vector, StoredEntry Entry)> rows, CancellationToken cancellationToken);

    /// <summary>Stores new times of files, in ticks of UTC; names that are not stored are ignored.</summary>
    private protected abstract void Touch(IReadOnlyCollection<(string Id, long Modified)> files);

    /// <summary>A function that looks up the stored entries of some images; called from several threads.</summary>
    private protected abstract Func<string, StoredEntry?> Recall(IReadOnlyCollection<string> ids);

    /// <summary>The names of all files.</summary>
    private protected abstract IReadOnlyList<string> FileIds();

    /// <summary>
    /// Stores a folder as the one that relative paths begin at, unless there is one. Files in it that are stored already get their names
    /// under it.
    /// </summary>
    private protected abstract void KeepRoot(string folder);

    private IImageDecoder Decoder => Options.Decoder ?? new SkiaImageDecoder { MaxPixels = Options.MaxPixels };

    private async Task<IndexReport> IndexAsync(IReadOnlyList<FoundFile> files, List<UnreadableFile> unreadableFolders,
        IProgress<IndexProgress>? progress, CancellationToken cancellationToken)
    {
        var (added, updated, unchanged, removed, unreadable) =
            (new List<string>(), new List<string>(), new List<string>(), new List<string>(), unreadableFolders.ToList());
        var (batch, touched) = (new List<FileOutcome>(), new List<FileOutcome>());
        int encoded = 0;
        // Buffers of images that are already encoded, to be reused: all have the model's size.
        var spare = new ConcurrentBag<float[]>();
        var recall = Recall([.. files.Select(file => file.Id)]);
        var outcomes = ImageFiles.ReadAheadAsync(
            files, (file, stop) => ReadOne(file, recall, spare, stop), Options.ReadingThreads, 2 * Options.BatchSize, cancellationToken);
        await foreach (var outcome in outcomes.ConfigureAwait(false))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (outcome.Pixels is not null) batch.Add(outcome);
            else if (outcome.Failure is { } reason) unreadable.Add(new UnreadableFile(outcome.File.Path, reason));
            else unchanged.Add(outcome.File.Id);
            if (outcome.Touched) touched.Add(outcome);
            if (outcome.NoImage && Remove(outcome.File.Id) > 0) removed.Add(outcome.File.Id);
            if (batch.Count == Options.BatchSize) EncodeBatch();
        }
        if (batch.Count > 0) EncodeBatch();
        if (touched.Count > 0) Touch([.. touched.Select(outcome => (outcome.File.Id, outcome.File.Modified))]);
        Tell();
        return new IndexReport
        {
            Added = Sorted(added),
            Updated = Sorted(updated),
            Unchanged = Sorted(unchanged),
            Removed = Sorted(removed),
            Unreadable = [.. unreadable.OrderBy(file => file.Path, StringComparer.Ordinal)],
        };

        void EncodeBatch()
        {
            var embeddings = Encoder.EmbedPixels(
                [.. batch.Select(outcome => outcome.Pixels!)], [.. batch.Select(outcome => outcome.File.Path)]);              // B × (E)
            foreach (var outcome in batch) spare.Add(outcome.Pixels!);
            var replaced = Commit([.. embeddings.SelectMany(row => row)], [.. batch.Select(outcome => outcome.Entry!)]);
            for (int i = 0; i < replaced.Length; i++) (replaced[i] ? updated : added).Add(batch[i].File.Id);
            encoded += batch.Count;
            batch.Clear();
            Tell();
        }

        void Tell() => progress?.Report(new IndexProgress(
            encoded + unchanged.Count + unreadable.Count - unreadableFolders.Count, files.Count, encoded, unreadable.Count));

        static string[] Sorted(List<string> names) => [.. names.Order(StringComparer.Ordinal)];
    }

    private FileOutcome ReadOne(FoundFile file, Func<string, StoredEntry?> recall, ConcurrentBag<float[]> spare, CancellationToken stop)
    {
        var failed = new FileOutcome(file);
        if (!IsWhole(file.Id)) return failed with { Failure = $"{file.Path}: the name has half a character, which no index keeps." };
        if (file.Length < 0) return failed with { Failure = ImageFileBytes.Missing(file.Path) };
        var known = recall(file.Id);
        if (known is not null && known.Length == file.Length && known.Modified == file.Modified) return new FileOutcome(file);
        if (file.Length > Options.MaxFileBytes) return failed with { Failure = $"{file.Path} has {file.Length:N0} bytes, more than the " +
            $"{Options.MaxFileBytes:N0} allowed. Raise {nameof(IndexOptions.MaxFileBytes)} if it is meant." };
        try
        {
            byte[] bytes = ImageFileBytes.Read(file.Path);
            var hash = HashOf(bytes);
            if (known is not null && known.Length == file.Length && known.Hash == hash) return new FileOutcome(file) { Touched = true };
            using var image = Decoder.Decode(bytes, file.Path, stop);
            var transform = Encoder.Processor.Transform;
            if (!spare.TryTake(out var pixels)) pixels = new float[transform.Length];
            transform.Apply(image, pixels);
            return new FileOutcome(file)
            {
                Pixels = pixels,
                Entry = new StoredEntry { Id = file.Id, IsFile = true, Length = file.Length, Modified = file.Modified, Hash = hash,
                    Metadata = Copy(Options.MetadataOf?.Invoke(file.Path)) },
            };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // InvalidDataException is not caught here: then the file was read, and is not an image.
            return failed with { Failure = $"{file.Path} cannot be read: {exception.Message}" };
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Whatever a decoder throws, one file does not end the indexing of the others.
            return failed with { Failure = exception is InvalidDataException ? exception.Message
                : $"{file.Path} cannot be decoded: {exception.Message}", NoImage = true };
        }
    }

    /// <summary>Files of the index that lie in the folder and no longer exist, except below a folder that cannot be listed.</summary>
    private List<string> Gone(string folder, bool recursive, FolderScan scan)
    {
        var found = scan.Files.Select(file => file.FullName).ToHashSet(StringComparer.Ordinal);
        return [.. FileIds().Select(id => (Id: id, Path: PathOf(id)))
            .Where(file => !found.Contains(file.Path) && FolderPath.Holds(folder, file.Path)
                && (recursive || Path.GetDirectoryName(file.Path) == folder))
            .Where(file => !scan.Unreadable.Any(unreadable => FolderPath.Holds(unreadable.Path, file.Path)) && !File.Exists(file.Path))
            .Select(file => file.Id)];
    }

    private static List<UnreadableFile> Unreadable(FolderScan scan) =>
        [.. scan.Unreadable.Select(folder => new UnreadableFile(folder.Path, folder.Reason))];

    private FoundFile Found(FileInfo file)
    {
        string path = file.FullName, id = IdOf(path);
        try
        {
            var target = ImageFileBytes.Target(file);
            return new FoundFile(id, path, target.Exists ? target.Length : -1, target.LastWriteTimeUtc.Ticks);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new FoundFile(id, path, -1, 0);
        }
    }

    /// <summary>A file's name in the store: its path, relative to the root if it lies there.</summary>
    private protected string IdOf(string path) => IdOf(Root, path);

    internal static string IdOf(string? root, string path) => root is not null && FolderPath.Holds(root, path)
        ? Path.GetRelativePath(root, path).Replace(Path.DirectorySeparatorChar, '/') : path;

    /// <summary>
    /// Refuses lone surrogates: names are stored as UTF-8, in which they would all become the same replacement character.
    /// </summary>
    /// <exception cref="ArgumentException">The text has a lone surrogate.</exception>
    private static void RequireWhole(string text, string parameter)
    {
        if (IsWhole(text)) return;
        throw new ArgumentException($"\"{text}\" has half a character (a surrogate without its other), which no index keeps.", parameter);
    }

    private static void RequireWhole(IReadOnlyDictionary<string, string>? metadata, string parameter)
    {
        foreach (var (key, value) in metadata ?? new Dictionary<string, string>())
        {
            RequireWhole(key, parameter);
            RequireWhole(value, parameter);
        }
    }

    private static bool IsWhole(string text)
    {
        for (int i = 0; i < text.Length; i++)
            if (char.IsSurrogate(text[i]) && !(i + 1 < text.Length && char.IsSurrogatePair(text[i], text[++i]))) return false;
        return true;
    }

    private static Dictionary<string, string> Copy(IReadOnlyDictionary<string, string>? metadata) => metadata is null ? []
        : new(metadata, StringComparer.Ordinal);

    private static UInt128 HashOf(RasterImage image) =>
        HashOf([.. BitConverter.GetBytes(image.Width), .. BitConverter.GetBytes(image.Height), (byte)image.Layout, .. image.Samples,
        .. MemoryMarshal.AsBytes(image.Gray16.AsSpan())]);

    private static UInt128 HashOf(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(bytes));
}
