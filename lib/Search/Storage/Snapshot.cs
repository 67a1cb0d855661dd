using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace ClipNotebooks.Search.Storage;

/// <summary>
/// The index as it was committed at one moment; immutable. Both files are mapped up to the length that is committed, so what a writer appends
/// afterwards does not show.
/// </summary>
internal sealed unsafe class Snapshot : IDisposable
{
    internal const string JournalName = "journal.bin";

    /// <summary>What stands before the first row: magic, version, width, storage; padded so that rows begin on a cache line.</summary>
    internal const int VectorsHeaderBytes = 64;

    private readonly MappedFile _journal;
    private readonly MappedFile _vectors;
    private readonly ulong[] _dead;

    private Snapshot(IndexHeader header, MappedFile journal, MappedFile vectors, ulong[] dead) =>
        (Header, _journal, _vectors, _dead) = (header, journal, vectors, dead);

    internal IndexHeader Header { get; }

    internal required ImmutableList<RowBatch> Batches { get; init; }

    /// <summary>Rows in the file, deleted ones included.</summary>
    internal required long Rows { get; init; }

    internal required long DeadRows { get; init; }

    /// <summary>The folder that relative paths begin at; null where none was added yet.</summary>
    internal required string? Root { get; init; }

    /// <summary>Files' times that changed while their bytes did not, by row.</summary>
    internal required ImmutableDictionary<long, long> Touched { get; init; }

    internal long JournalLength => _journal.Length;

    internal long VectorsLength => VectorsHeaderBytes + Rows * Header.RowBytes;

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
    internal byte* Row(long row) => _vectors.At(VectorsHeaderBytes + row * Header.RowBytes);

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
        var batch = Batches[BatchOf(row)];
        var entry = EntryOf(batch, (int)(row - batch.FirstRow));
        return Touched.TryGetValue(row, out long modified) ? entry with { Modified = modified } : entry;
    }

    /// <summary>All live rows with their entries, in the order of the rows. Hold the snapshot meanwhile.</summary>
    internal IEnumerable<(long Row, StoredEntry Entry)> Entries()
    {
        for (long row = 0; row < Rows; row++)
            if (!IsDead(row)) yield return (row, Entry(row));
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
        {
            uint checksum = 0;
            for (int i = 0; i < batch.Count; i++) checksum = Checksum.Of(new ReadOnlySpan<byte>(Row(batch.FirstRow + i), Header.RowBytes), checksum);
            if (checksum != batch.Checksum) return batch;
        }
        return null;
    }

    public void Dispose()
    {
        _journal.Dispose();
        _vectors.Dispose();
    }

    /// <summary>Opens what is committed; given an earlier snapshot of the same files, reads only what came after it.</summary>
    /// <exception cref="FileNotFoundException">The folder holds no index.</exception>
    /// <exception cref="InvalidDataException">A file is damaged; the message says which and where.</exception>
    internal static Snapshot Load(string folder, Snapshot? earlier = null)
    {
        for (int attempt = 0; ; attempt++)
        {
            string path = Path.Combine(folder, JournalName);
            if (!File.Exists(path))
                throw new FileNotFoundException($"There is no image index in {folder}: it has no {JournalName}. Make one with {nameof(ImageSearchIndex)}.{nameof(ImageSearchIndex.Create)}.", path);
            using var stream = OpenShared(path);
            if (stream.Length < JournalRecord.Magic.Length) throw new InvalidDataException($"{path} is not the journal of an image index: it has {stream.Length} bytes.");
            var journal = MappedFile.Open(stream, stream.Length);
            try
            {
                return Read(folder, path, stream, journal, earlier);
            }
            catch (FileNotFoundException exception)
            {
                // A compaction may have come between the two openings: the journal that is there now then names another file of vectors.
                if (attempt == 10) throw new InvalidDataException($"The index in {folder} is damaged: its {JournalName} names a file of vectors that is not there ({exception.Message}). Restore the file, or index the images again.", exception);
            }
            finally
            {
                journal.Dispose();
            }
        }
    }

    private static Snapshot Read(string folder, string path, FileStream stream, MappedFile journal, Snapshot? earlier)
    {
        if (!journal.Bytes(0, JournalRecord.Magic.Length).SequenceEqual(JournalRecord.Magic))
            throw new InvalidDataException($"{path} is not the journal of an image index: it does not begin with \"{Encoding.ASCII.GetString(JournalRecord.Magic).TrimEnd()}\".");
        long offset = JournalRecord.Magic.Length;
        int length = JournalRecord.PayloadAt(journal, offset);
        if (length < 0 || journal.Bytes(offset + JournalRecord.HeadBytes, 1)[0] != JournalRecord.Header)
            throw new InvalidDataException($"{path} is damaged: its header's checksum is wrong. Restore the file, or index the images again.");
        var header = IndexHeader.Parse(journal.Bytes(offset + JournalRecord.HeadBytes + 1, length - 1), path);
        offset += JournalRecord.HeadBytes + length;

        var batches = ImmutableList.CreateBuilder<RowBatch>();
        var touched = ImmutableDictionary.CreateBuilder<long, long>();
        var (rows, deadRows, root, dead) = (0L, 0L, default(string), Array.Empty<ulong>());
        bool copied = false;
        if (earlier is not null && earlier.Header == header && earlier.JournalLength <= journal.Length)
        {
            (batches, touched) = (earlier.Batches.ToBuilder(), earlier.Touched.ToBuilder());
            (rows, deadRows, root, dead, offset) = (earlier.Rows, earlier.DeadRows, earlier.Root, earlier._dead, earlier.JournalLength);
        }

        while ((length = JournalRecord.PayloadAt(journal, offset)) >= 0)
        {
            long at = offset + JournalRecord.HeadBytes, end = at + length;
            var payload = journal.Bytes(at, length);
            switch (payload[0])
            {
                case JournalRecord.Batch:
                    if (length < JournalRecord.BatchBytes) throw Nonsense();
                    long firstRow = BinaryPrimitives.ReadInt64LittleEndian(payload[1..]);
                    int count = BinaryPrimitives.ReadInt32LittleEndian(payload[9..]), deleted = BinaryPrimitives.ReadInt32LittleEndian(payload[17..]);
                    long offsets = JournalRecord.BatchBytes + 8L * deleted, entries = offsets + 4L * count;
                    if (firstRow != rows || count < 0 || deleted < 0 || entries > length) throw Nonsense();
                    if (count > 0) batches.Add(new RowBatch(firstRow, count, at + offsets, at + entries, end, BinaryPrimitives.ReadUInt32LittleEndian(payload[13..])));
                    for (int i = 0; i < deleted; i++)
                    {
                        long row = BinaryPrimitives.ReadInt64LittleEndian(payload[(JournalRecord.BatchBytes + 8 * i)..]);
                        if (row < 0 || row >= rows) throw Nonsense();
                        int word = (int)(row >> 6);
                        if (!copied || word >= dead.Length) Array.Resize(ref dead, Math.Max(dead.Length, (int)(rows >> 6) + 1));
                        if (!copied) dead = [.. dead];
                        copied = true;
                        ulong bit = 1UL << (int)(row & 63);
                        if ((dead[word] & bit) == 0) deadRows++;
                        dead[word] |= bit;
                    }
                    rows += count;
                    break;
                case JournalRecord.Root:
                    root = Encoding.UTF8.GetString(payload[1..]);
                    break;
                case JournalRecord.Touch:
                    for (int i = 1; i + 16 <= length; i += 16)
                        touched[BinaryPrimitives.ReadInt64LittleEndian(payload[i..])] = BinaryPrimitives.ReadInt64LittleEndian(payload[(i + 8)..]);
                    break;
                default:
                    throw new InvalidDataException($"{path} has a record of kind {payload[0]} at byte {offset}, which this library does not know: a later version wrote it.");
            }
            offset = end;

            InvalidDataException Nonsense() => new($"{path} is damaged: the record at byte {at - JournalRecord.HeadBytes} does not follow from those before it. Restore the file, or index the images again.");
        }
        // A crash leaves at most a part of the last record. A whole one after what is broken means that something committed was damaged.
        if (RecordBeyond(journal, offset) is { } beyond)
            throw new InvalidDataException($"{path} is damaged: the record at byte {offset} is broken, though another follows at byte {beyond}. Restore the file, or index the images again.");

        var committed = MappedFile.Open(stream, offset);
        try
        {
            return new Snapshot(header, committed, MapVectors(folder, header, rows), dead)
            {
                Batches = batches.ToImmutable(),
                Rows = rows,
                DeadRows = deadRows,
                Root = root,
                Touched = touched.ToImmutable(),
            };
        }
        catch
        {
            committed.Dispose();
            throw;
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

    private static MappedFile MapVectors(string folder, IndexHeader header, long rows)
    {
        string path = Path.Combine(folder, header.VectorsName);
        using var stream = OpenShared(path);
        long length = VectorsHeaderBytes + rows * header.RowBytes;
        if (stream.Length < length)
            throw new InvalidDataException($"{path} is cut short: the journal speaks of {rows} rows, which are {length} bytes; it has {stream.Length}. Restore the file, or index the images again.");
        var vectors = MappedFile.Open(stream, length);
        if (vectors.Bytes(0, VectorsHeaderBytes).SequenceEqual(VectorsHeader(header))) return vectors;
        vectors.Dispose();
        throw new InvalidDataException($"{path} does not belong to the journal beside it: its header is another. Restore the file, or index the images again.");
    }

    private static long? RecordBeyond(MappedFile journal, long offset)
    {
        for (long from = offset + 1; from < journal.Length; from++)
        {
            int found = journal.Bytes(from, (int)Math.Min(int.MaxValue, journal.Length - from)).IndexOf(JournalRecord.Marker);
            if (found < 0) return null;
            from += found;
            if (JournalRecord.PayloadAt(journal, from) >= 0) return from;
        }
        return null;
    }

    private StoredEntry EntryOf(RowBatch batch, int index)
    {
        int* offsets = (int*)_journal.At(batch.Offsets);
        long from = batch.Entries + offsets[index], to = index + 1 < batch.Count ? batch.Entries + offsets[index + 1] : batch.End;
        try
        {
            if (from >= batch.Entries && from <= to && to <= batch.End) return StoredEntry.Read(_journal.Bytes(from, (int)(to - from)));
        }
        catch (Exception exception) when (exception is EndOfStreamException or FormatException or ArgumentException)
        {
            // What it says of itself does not fit it; the message below.
        }
        throw new InvalidDataException($"{JournalName} is damaged: the entry of row {batch.FirstRow + index} cannot be read. Restore the file, or index the images again.");
    }

    private int BatchOf(long row)
    {
        int low = 0, high = Batches.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (Batches[middle].FirstRow <= row) low = middle;
            else high = middle - 1;
        }
        return low;
    }

    private static FileStream OpenShared(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
}
