using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Search.Storage;

/// <summary>
/// The only writer of an index, ensured by a lock of the operating system that ends with the process. A commit appends rows, flushes them
/// to the device, appends the record that describes them, and flushes that. So whenever a crash happens, the rows of every complete record
/// are there.
/// </summary>
internal sealed partial class IndexWriter : IDisposable
{
    internal const string LockName = "writer.lock";

    private const int ValuesPerWrite = 1 << 20;

    // The error codes of opening a file that another has locked.
    private const int WindowsSharingViolation = unchecked((int)0x80070020), LinuxWouldBlock = 11, MacWouldBlock = 35;

    private readonly FileStream _lock;
    private FileStream _journal;
    private FileStream _vectors;

    private IndexWriter(FileStream @lock, FileStream journal, FileStream vectors) =>
        (_lock, _journal, _vectors) = (@lock, journal, vectors);

    /// <summary>Becomes the writer. Cuts off what a crash left after the last commit, and deletes files that a compaction left.</summary>
    /// <param name="folder">The index.</param>
    /// <param name="earlier">The snapshot that the caller loaded last; the caller disposes it.</param>
    /// <param name="newest">A snapshot of what is committed now.</param>
    /// <exception cref="IOException">
    /// Another index object, of this process or another, is writing, or the files cannot be written.
    /// </exception>
    internal static IndexWriter Open(string folder, Snapshot earlier, out Snapshot newest)
    {
        var held = Lock(folder);
        FileStream? journal = null, vectors = null;
        Snapshot? snapshot = null;
        try
        {
            newest = snapshot = Snapshot.Load(folder, earlier);
            if (snapshot.JournalStart == JournalRecord.Magic.Length)
            {
                GiveSeal(folder, snapshot);
                snapshot.Dispose();
                newest = snapshot = Snapshot.Load(folder);
            }
            journal = OpenAppending(Path.Combine(folder, Snapshot.JournalName));
            vectors = OpenAppending(Path.Combine(folder, snapshot.Header.VectorsName));
            if (journal.Length > snapshot.JournalLength) journal.SetLength(snapshot.JournalLength);
            if (vectors.Length > snapshot.VectorsLength) vectors.SetLength(snapshot.VectorsLength);
            // Only what an index leaves: a folder may hold files of others, such as vectors-of-words.bin or a film's download.
            foreach (string file in Directory.GetFiles(folder))
            {
                string name = Path.GetFileName(file);
                if (name != snapshot.Header.VectorsName && LeftBehind().IsMatch(name)) Try(() => File.Delete(file));
            }
            var writer = new IndexWriter(held, journal, vectors);
            if (snapshot.Sealed != snapshot.JournalLength) writer.Seal(snapshot.JournalLength);
            return writer;
        }
        catch (Exception exception)
        {
            snapshot?.Dispose();
            journal?.Dispose();
            vectors?.Dispose();
            held.Dispose();
            if (exception is UnauthorizedAccessException) throw new IOException(
                $"The index in {folder} cannot be written: {exception.Message}", exception);
            throw;
        }
    }

    /// <summary>Writes the files of an index without rows. The journal comes last, since it makes the folder an index.</summary>
    /// <exception cref="IOException">The folder holds an index already, or cannot be written.</exception>
    internal static void Create(string folder, IndexHeader header, string? root)
    {
        Directory.CreateDirectory(folder);
        using var held = Lock(folder);
        string journal = Path.Combine(folder, Snapshot.JournalName);
        if (File.Exists(journal)) throw new IOException($"{folder} holds an index already: open it with " +
            $"{nameof(ImageSearchIndex)}.{nameof(ImageSearchIndex.Open)}, or delete the folder first.");
        AtomicFile.WriteLasting(Path.Combine(folder, header.VectorsName), vectors => vectors.Write(Snapshot.VectorsHeader(header)));
        AtomicFile.WriteLasting(journal, beginning => beginning.Write(Beginning(header, root)));
    }

    /// <summary>The bytes of a journal without rows.</summary>
    private static byte[] Beginning(IndexHeader header, string? root)
    {
        byte[] records = [.. JournalRecord.OfHeader(header), .. root is null ? [] : JournalRecord.OfRoot(root)];
        return [.. JournalRecord.Magic, .. JournalSeal.Of(JournalRecord.Magic.Length + JournalSeal.Bytes + records.Length), .. records];
    }

    /// <summary>Rewrites the journal of an earlier library version with a seal; a renaming replaces the old journal by it.</summary>
    private static void GiveSeal(string folder, Snapshot snapshot)
    {
        string path = Path.Combine(folder, Snapshot.JournalName);
        AtomicFile.WriteLasting(path, journal =>
        {
            using var old = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            journal.Write([.. JournalRecord.Magic, .. JournalSeal.Of(snapshot.JournalLength + JournalSeal.Bytes)]);
            old.Position = JournalRecord.Magic.Length;
            old.CopyTo(journal);
            journal.SetLength(snapshot.JournalLength + JournalSeal.Bytes);
        });
    }

    /// <summary>Appends rows with their entries and deletes others, atomically.</summary>
    /// <param name="snapshot">What is committed so far.</param>
    /// <param name="vectors">(entries, E) values, row-major; each row is L2-normalised.</param>
    /// <param name="entries">The entries of the new rows.</param>
    /// <param name="deletedRows">Rows to delete.</param>
    /// <exception cref="IOException">The device is full or fails; nothing is changed then.</exception>
    internal void Commit(Snapshot snapshot, float[] vectors, IReadOnlyList<StoredEntry> entries,
        IReadOnlyCollection<long> deletedRows) => Commit(snapshot, () =>
            JournalRecord.OfBatch(snapshot.Rows, vectors.Length == 0 ? 0 : Write(vectors, snapshot), entries, deletedRows));

    /// <summary>Appends a record without rows.</summary>
    /// <exception cref="IOException">The device is full or fails; nothing is changed then.</exception>
    internal void Commit(Snapshot snapshot, byte[] record) => Commit(snapshot, () => record);

    /// <summary>Appends the record that a function gives, which may write rows before. Undoes both if one fails.</summary>
    private void Commit(Snapshot snapshot, Func<byte[]> write)
    {
        try
        {
            byte[] record = write();
            _journal.Position = snapshot.JournalLength;
            _journal.Write(record);
            _journal.Flush(flushToDisk: true);
            Seal(snapshot.JournalLength + record.Length);
        }
        catch
        {
            // What cannot be cut off now is cut off by the next writer.
            Try(() => Seal(snapshot.JournalLength));
            Try(() => _journal.SetLength(snapshot.JournalLength));
            Try(() => _vectors.SetLength(snapshot.VectorsLength));
            throw;
        }
    }

    /// <summary>Appends rows, a few megabytes at a time: all together may have more bytes than an array holds.</summary>
    /// <returns>Their checksum.</returns>
    private uint Write(ReadOnlySpan<float> vectors, Snapshot snapshot)
    {
        uint checksum = 0;
        _vectors.Position = snapshot.VectorsLength;
        for (; !vectors.IsEmpty; vectors = vectors[Math.Min(ValuesPerWrite, vectors.Length)..])
        {
            var bytes = Encode(vectors[..Math.Min(ValuesPerWrite, vectors.Length)], snapshot.Header.VectorStorage);
            checksum = Checksum.Of(bytes, checksum);
            _vectors.Write(bytes);
        }
        _vectors.Flush(flushToDisk: true);
        return checksum;
    }

    /// <summary>Writes the live rows to new files; the renaming of the journal is the commit.</summary>
    internal void Compact(string folder, Snapshot snapshot)
    {
        var header = snapshot.Header with { Generation = snapshot.Header.Generation + 1 };
        string vectorsPath = Path.Combine(folder, header.VectorsName), journalPath = Path.Combine(folder, Snapshot.JournalName);
        try
        {
            AtomicFile.Write(journalPath, journal =>
            {
                using (var vectors = new FileStream(vectorsPath, FileMode.Create, FileAccess.Write, FileShare.Read))
                {
                    vectors.Write(Snapshot.VectorsHeader(header));
                    journal.Write(Beginning(header, snapshot.Root));
                    long row = 0;
                    foreach (var live in snapshot.Entries().Chunk(4096))
                    {
                        uint checksum = 0;
                        foreach (var (old, _) in live)
                        {
                            var bytes = RowBytes(snapshot, old);
                            checksum = Checksum.Of(bytes, checksum);
                            vectors.Write(bytes);
                        }
                        journal.Write(JournalRecord.OfBatch(row, checksum, [.. live.Select(pair => pair.Entry)], []));
                        row += live.Length;
                    }
                    vectors.Flush(flushToDisk: true);
                }
                long length = journal.Position;
                journal.Position = JournalRecord.Magic.Length;
                journal.Write(JournalSeal.Of(length));
                // The new vectors' file must be on the device, with its name, before the journal refers to it.
                AtomicFile.FlushFolder(folder);
            }, flush: true);
        }
        catch
        {
            Try(() => File.Delete(vectorsPath));
            throw;
        }
        _journal.Dispose();
        _vectors.Dispose();
        _journal = OpenAppending(journalPath);
        _vectors = OpenAppending(vectorsPath);
        try
        {
            AtomicFile.FlushFolder(folder);
            Try(() => File.Delete(Path.Combine(folder, snapshot.Header.VectorsName)));
        }
        catch (IOException)
        {
            // If a power cut undoes the renaming, the old journal needs the old vectors. Otherwise the next writer deletes them.
        }
    }

    public void Dispose()
    {
        try
        {
            // Flushes the last seal, which no commit has waited for.
            _journal.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            // Then the seal states less than is committed, as it may after a power cut.
        }
        _journal.Dispose();
        _vectors.Dispose();
        _lock.Dispose();
    }

    private static unsafe ReadOnlySpan<byte> RowBytes(Snapshot snapshot, long row) => new(snapshot.Row(row), snapshot.Header.RowBytes);

    /// <summary>Writes the seal: how many bytes of the journal are on the device.</summary>
    private void Seal(long committed)
    {
        _journal.Position = JournalRecord.Magic.Length;
        _journal.Write(JournalSeal.Of(committed));
    }

    /// <summary>Changes a file if possible. On Windows a reader may have it mapped; then the next writer changes it.</summary>
    private static void Try(Action change)
    {
        try
        {
            change();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static ReadOnlySpan<byte> Encode(ReadOnlySpan<float> vectors, VectorStorage storage)
    {
        if (storage == VectorStorage.Float32) return MemoryMarshal.AsBytes(vectors);
        var halves = new Half[vectors.Length];
        for (int i = 0; i < halves.Length; i++) halves[i] = (Half)vectors[i];
        return MemoryMarshal.AsBytes<Half>(halves);
    }

    /// <summary>Vectors of any generation, and the parts (<see cref="AtomicFile.PartOf"/>) of an index's own files.</summary>
    [GeneratedRegex(@"^(vectors(-[0-9]+)?\.bin|(journal\.bin|vectors(-[0-9]+)?\.bin|shard\.json)(\.[0-9a-f]{32})?\.part)\z")]
    private static partial Regex LeftBehind();

    private static FileStream Lock(string folder)
    {
        try
        {
            return new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        }
        catch (IOException exception) when (exception.HResult is WindowsSharingViolation or LinuxWouldBlock or MacWouldBlock)
        {
            throw new IOException($"The index in {folder} is being written by another {nameof(ImageSearchIndex)}, in this process or in " +
                $"another. An index has one writer at a time: dispose of the other one first.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The index in {folder} cannot be written: {exception.Message}", exception);
        }
    }

    // Unbuffered, so that nothing is left to be written when a write has failed.
    private static FileStream OpenAppending(string path) =>
        new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, 0);
}
