using System.Buffers.Binary;
using System.Collections.Immutable;

namespace ClipNotebooks.Search.Storage;

/// <summary>
/// The index as it was committed at one moment; immutable. Both files are mapped up to the length that is committed, so what a writer
/// appends afterwards is not visible.
/// </summary>
internal sealed unsafe class Snapshot : IDisposable
{
    internal const string JournalName = "journal.bin";

    /// <summary>
    /// The length of the header before the first row: magic, version, width, storage; padded so that rows begin on a cache line.
    /// </summary>
    internal const int VectorsHeaderBytes = 64;

    private static readonly Comparer<RowBatch> ByFirstRow = Comparer<RowBatch>.Create((x, y) => x.FirstRow.CompareTo(y.FirstRow));

    private readonly MappedFile _journal;
    private readonly MappedFile _vectors;
    private readonly ulong[] _dead;
    private readonly int _rowBytes; // asked for every row of a search, and worked out of the header's words but once

    private Snapshot(JournalReader read, MappedFile journal, MappedFile vectors)
    {
        (Header, _journal, _vectors, _dead, _rowBytes) = (read.Header, journal, vectors, read.Dead, read.Header.RowBytes);
        (Batches, Touched, Rows, DeadRows, Root) = (read.Batches, read.Touched, read.Rows, read.DeadRows, read.Root);
        (WentOn, Chain) = (read.WentOn, read.Chain);
    }

    internal IndexHeader Header { get; }

    internal ImmutableList<RowBatch> Batches { get; }

    /// <summary>Rows in the file, deleted ones included.</summary>
    internal long Rows { get; }

    internal long DeadRows { get; }

    /// <summary>The folder that relative paths begin at; null until one is added.</summary>
    internal string? Root { get; }

    /// <summary>Whether this continues the earlier snapshot that was given, rather than being of another journal.</summary>
    internal bool WentOn { get; }

    /// <summary>CRC-32C over the heads of the journal's records, which have the checksums of their payloads.</summary>
    internal uint Chain { get; }

    /// <summary>The new times of files whose bytes did not change, by row.</summary>
    internal ImmutableDictionary<long, long> Touched { get; }

    internal long JournalLength => _journal.Length;

    /// <summary>The offset of the journal's first record: after its seal, if it has one.</summary>
    internal required int JournalStart { get; init; }

    /// <summary>How many bytes are committed, as the journal's seal states.</summary>
    internal required long Sealed { get; init; }

    /// <summary>One bit for each row, set if the row is deleted.</summary>
    internal ulong[] Dead => _dead;

    internal long VectorsLength => VectorsHeaderBytes + Rows * _rowBytes;

    internal long Live => Rows - DeadRows;

    internal static ReadOnlySpan<byte> VectorsMagic => "CLIPVEC\n"u8;

    internal bool IsDead(long row) => row >> 6 < _dead.Length && (_dead[row >> 6] >> (int)(row & 63) & 1) != 0;

    /// <summary>False once the snapshot is replaced and freed; otherwise <see cref="Release"/> has to follow.</summary>
    internal bool TryHold()
    {
        if (!_journal.TryHold()) return false;
        if (_vectors.TryHold()) return true;
        _journal.Release();
        return false;
    }

    internal void Release()
    {
        _vectors.Release();
        _journal.Release();
    }

    /// <summary>The bytes of a row.</summary>
    internal byte* Row(long row) => _vectors.At(VectorsHeaderBytes + row * _rowBytes);

    /// <summary>A row as float32.</summary>
    internal float[] Vector(long row)
    {
        var values = new float[Header.Width];
        if (Header.VectorStorage == VectorStorage.Float32) new ReadOnlySpan<float>(Row(row), values.Length).CopyTo(values);
        else
            for (int i = 0; i < values.Length; i++) values[i] = (float)((Half*)Row(row))[i];
        return values;
    }

    internal StoredEntry Entry(long row)
    {
        int found = Batches.BinarySearch(default(RowBatch) with { FirstRow = row }, ByFirstRow);
        var batch = Batches[found >= 0 ? found : ~found - 1];
        var entry = EntryOf(batch, (int)(row - batch.FirstRow));
        return Touched.TryGetValue(row, out long modified) ? entry with { Modified = modified } : entry;
    }

    /// <summary>All live rows with their entries, in the order of the rows. The caller holds the snapshot meanwhile.</summary>
    internal IEnumerable<(long Row, StoredEntry Entry)> Entries()
    {
        for (long row = 0; row < Rows; row++)
            if (!IsDead(row)) yield return (row, Entry(row));
    }

    /// <summary>
    /// Whether a journal begins with the records that this snapshot was read from. In the place of the old one, a folder that was deleted
    /// and made anew may hold another of the same header. Reads the records' heads, not their payloads.
    /// </summary>
    internal bool IsBeginningOf(MappedFile journal)
    {
        uint chain = 0;
        long at = JournalStart;
        while (at < JournalLength && JournalRecord.ClaimedAt(journal, at) is >= 0 and var length)
        {
            chain = Checksum.Of(journal.Bytes(at, JournalRecord.HeadBytes), chain);
            at += JournalRecord.HeadBytes + length;
        }
        return at == JournalLength && chain == Chain;
    }

    /// <summary>The row of an image, or −1.</summary>
    internal long Find(string id)
    {
        foreach (var batch in Batches)
            for (int i = 0; i < batch.Count; i++)
                if (!IsDead(batch.FirstRow + i) && EntryOf(batch, i).Id == id) return batch.FirstRow + i;
        return -1;
    }

    /// <summary>The first batch whose rows differ from what was committed, or null.</summary>
    internal RowBatch? FirstDamaged()
    {
        foreach (var batch in Batches)
            if (!IsSound(batch)) return batch;
        return null;
    }

    /// <summary>Whether a batch's rows are there, and are those that were committed.</summary>
    internal bool IsSound(RowBatch batch)
    {
        if (VectorsHeaderBytes + (batch.FirstRow + batch.Count) * _rowBytes > _vectors.Length) return false;
        uint checksum = 0;
        for (long row = batch.FirstRow; row < batch.FirstRow + batch.Count; row++)
            checksum = Checksum.Of(new ReadOnlySpan<byte>(Row(row), _rowBytes), checksum);
        return checksum == batch.Checksum;
    }

    public void Dispose()
    {
        _journal.Dispose();
        _vectors.Dispose();
    }

    /// <summary>Opens what is committed; given an earlier snapshot of the same journal, reads only what came after it.</summary>
    /// <param name="folder">The index.</param>
    /// <param name="earlier">The caller disposes it. Of another journal it may be as well: then all is read.</param>
    /// <param name="lost">
    /// Null: damage throws. Otherwise damage of the journal is skipped, and described here; <see cref="IsSound"/> checks the vectors.
    /// </param>
    /// <param name="isSame">Whether the caller writes the journal, and so knows it to be the earlier snapshot's.</param>
    /// <exception cref="FileNotFoundException">The folder holds no index.</exception>
    /// <exception cref="InvalidDataException">A file is damaged; the message says which and where.</exception>
    internal static Snapshot Load(string folder, Snapshot? earlier = null, List<string>? lost = null, bool isSame = false)
    {
        for (int attempt = 0; ; attempt++)
        {
            string path = Path.Combine(folder, JournalName);
            if (!File.Exists(path))
                throw new FileNotFoundException($"There is no image index in {folder}: it has no {JournalName}. Make one with " +
                    $"{nameof(ImageSearchIndex)}.{nameof(ImageSearchIndex.Create)}.", path);
            using var stream = OpenShared(path);
            var (start, committed) = JournalSeal.Read(stream, lost);
            using var journal = MappedFile.Open(stream, stream.Length);
            try
            {
                var read = JournalReader.Read(journal, path, start, committed, earlier, isSame, lost);
                var whole = MappedFile.Open(stream, read.End);
                try
                {
                    var vectors = MapVectors(folder, read.Header, read.Rows, lost is not null);
                    return new Snapshot(read, whole, vectors) { JournalStart = start, Sealed = committed };
                }
                catch
                {
                    whole.Dispose();
                    throw;
                }
            }
            catch (FileNotFoundException exception)
            {
                // A compaction may have come between opening the two files: the current journal then names another file of vectors.
                if (attempt == 10) throw new InvalidDataException($"The index in {folder} is damaged: its {JournalName} names a file of " +
                    $"vectors that is not there ({exception.Message}). Restore the file, or index the images again.", exception);
            }
        }
    }

    internal static byte[] VectorsHeader(IndexHeader header)
    {
        var bytes = new byte[VectorsHeaderBytes];
        VectorsMagic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), header.Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), header.Width);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), (int)header.VectorStorage);
        return bytes;
    }

    private static MappedFile MapVectors(string folder, IndexHeader header, long rows, bool takeLess)
    {
        string path = Path.Combine(folder, header.VectorsName);
        using var stream = OpenShared(path);
        long length = VectorsHeaderBytes + rows * header.RowBytes;
        if (takeLess) length = Math.Clamp(stream.Length, VectorsHeaderBytes, length);
        if (stream.Length < length)
            throw new InvalidDataException($"{path} is cut short: the journal speaks of {rows} rows, which are {length} bytes; it has " +
                $"{stream.Length}. Restore the file, or index the images again.");
        var vectors = MappedFile.Open(stream, length);
        if (vectors.Bytes(0, VectorsHeaderBytes).SequenceEqual(VectorsHeader(header))) return vectors;
        vectors.Dispose();
        throw new InvalidDataException($"{path} does not belong to the journal beside it: its header is another. Restore the file, or " +
            $"index the images again.");
    }

    private StoredEntry EntryOf(RowBatch batch, int index)
    {
        int* offsets = (int*)_journal.At(batch.Offsets);
        long from = batch.Entries + offsets[index], to = index + 1 < batch.Count ? batch.Entries + offsets[index + 1] : batch.End;
        try
        {
            if (from >= batch.Entries && from <= to && to <= batch.End) return StoredEntry.Read(_journal.Bytes(from, (int)(to - from)));
        }
        catch (Exception exception) when (exception is IOException or FormatException or ArgumentException)
        {
            // The entry's lengths do not fit its bytes; the message is below.
        }
        throw new InvalidDataException($"{JournalName} is damaged: the entry of row {batch.FirstRow + index} cannot be read. Restore the " +
            $"file, or index the images again.");
    }

    private static FileStream OpenShared(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
}
