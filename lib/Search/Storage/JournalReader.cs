using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;

namespace ClipNotebooks.Search.Storage;

/// <summary>Reads a journal, record by record, in time linear in its length.</summary>
internal sealed class JournalReader
{
    private readonly MappedFile _journal;
    private readonly string _path;
    private readonly List<string>? _lost;
    private readonly ImmutableList<RowBatch>.Builder _batches = ImmutableList.CreateBuilder<RowBatch>();
    private readonly ImmutableDictionary<long, long>.Builder _touched = ImmutableDictionary.CreateBuilder<long, long>();
    private ulong[] _dead = [];
    private bool _copied;
    private long _budget;

    private JournalReader(MappedFile journal, string path, List<string>? lost) =>
        (_journal, _path, _lost, _budget) = (journal, path, lost, 8 * journal.Length);

    internal ImmutableList<RowBatch> Batches => _batches.ToImmutable();

    internal ImmutableDictionary<long, long> Touched => _touched.ToImmutable();

    internal ulong[] Dead => _dead;

    internal required IndexHeader Header { get; init; }

    internal long Rows { get; private set; }

    internal long DeadRows { get; private set; }

    internal string? Root { get; private set; }

    /// <summary>Where the last record ends.</summary>
    internal long End { get; private set; }

    /// <summary>CRC-32C over the heads of all records, which have the checksums of their payloads.</summary>
    internal uint Chain { get; private set; }

    /// <summary>Whether an earlier snapshot was continued, rather than all read.</summary>
    internal bool WentOn { get; private set; }

    /// <summary>Reads what is committed.</summary>
    /// <param name="journal">The whole file.</param>
    /// <param name="path">Where it is.</param>
    /// <param name="start">The offset of its first record.</param>
    /// <param name="committed">The committed bytes, as its seal states; 0 without a seal.</param>
    /// <param name="earlier">
    /// An earlier snapshot: if the journal begins as that one did, only what came after it is read. Null: all is read.
    /// </param>
    /// <param name="isSame">Whether the journal is known to be the earlier snapshot's, so that its beginning need not be compared.</param>
    /// <param name="lost">Null: damage throws. Otherwise damage is skipped, and described here.</param>
    /// <exception cref="InvalidDataException">The journal is damaged or cut short; the message says where.</exception>
    internal static JournalReader Read(
        MappedFile journal, string path, int start, long committed, Snapshot? earlier, bool isSame, List<string>? lost)
    {
        int length = JournalRecord.PayloadAt(journal, start);
        if (length < 0 || journal.Bytes(start + JournalRecord.HeadBytes, 1)[0] != JournalRecord.Header)
            throw new InvalidDataException($"{path} is damaged: its header is broken. Restore the file, or index the images again.");
        var header = IndexHeader.Parse(journal.Bytes(start + JournalRecord.HeadBytes + 1, length - 1), path);
        var reader = new JournalReader(journal, path, lost)
        {
            Header = header, End = start + JournalRecord.HeadBytes + length,
            Chain = Checksum.Of(journal.Bytes(start, JournalRecord.HeadBytes)),
        };
        if (earlier is not null && earlier.Header == header && earlier.JournalStart == start && earlier.JournalLength <= journal.Length
            && (isSame || earlier.IsBeginningOf(journal))) reader.GoOnFrom(earlier);
        reader.ReadRecords(committed);
        return reader;
    }

    private void GoOnFrom(Snapshot earlier)
    {
        (WentOn, Chain) = (true, earlier.Chain);
        _batches.AddRange(earlier.Batches);
        _touched.AddRange(earlier.Touched);
        (Rows, DeadRows, Root, _dead, End) = (earlier.Rows, earlier.DeadRows, earlier.Root, earlier.Dead, earlier.JournalLength);
    }

    private void ReadRecords(long committed)
    {
        while (true)
        {
            while (JournalRecord.PayloadAt(_journal, End) is >= 0 and var length)
            {
                long at = End;
                Chain = Checksum.Of(_journal.Bytes(at, JournalRecord.HeadBytes), Chain);
                End += JournalRecord.HeadBytes + length;
                Apply(at, at + JournalRecord.HeadBytes, length);
            }
            // Bytes after the committed ones belong to a record that a crash interrupted before its commit returned. Without a seal, they
            // cannot be told from damage unless a complete record follows.
            if (End >= committed && (committed > 0 || End == _journal.Length)) return;
            long? next = RecordBeyond(End);
            if (committed == 0 && next is null) return;
            if (_lost is null) throw Damaged(committed, next);
            _lost.Add($"{_path}: what {(next is { } found ? $"bytes {End} to {found - 1} held" : $"was committed from byte {End} on")}");
            if (next is null) return;
            End = next.Value;
        }
    }

    private InvalidDataException Damaged(long committed, long? next)
    {
        string what = _journal.Length < committed
            ? $"is cut short: {committed} bytes of it were committed, and it has {_journal.Length}. The commits from byte {End} on are lost"
            : $"is damaged: the record at byte {End} is broken, "
                + (committed > 0 ? $"though {committed} bytes were committed" : $"though another follows at byte {next}");
        return new($"{_path} {what}; before it are {Rows - DeadRows:N0} images. {JournalSeal.Advice(_path)}");
    }

    /// <param name="record">Where the record begins.</param>
    /// <param name="at">Where its payload begins.</param>
    /// <param name="length">The payload's bytes.</param>
    private void Apply(long record, long at, int length)
    {
        var payload = _journal.Bytes(at, length);
        switch (payload[0])
        {
            case JournalRecord.Batch:
                if (TryBatch(payload, at)) break;
                string what = $"the record at byte {record} does not follow from those before it";
                if (_lost is null) throw new InvalidDataException($"{_path} is damaged: {what}. {JournalSeal.Advice(_path)}");
                _lost.Add($"{_path}: {what}");
                break;
            case JournalRecord.Root:
                Root = Encoding.UTF8.GetString(payload[1..]);
                break;
            case JournalRecord.Touch:
                for (int i = 1; i + 16 <= length; i += 16)
                {
                    long row = BinaryPrimitives.ReadInt64LittleEndian(payload[i..]);
                    _touched[row] = BinaryPrimitives.ReadInt64LittleEndian(payload[(i + 8)..]);
                }
                break;
            default:
                string kind = $"a record of kind {payload[0]} at byte {record}";
                throw new InvalidDataException($"{_path} has {kind}, which this library does not know: a later version wrote it.");
        }
    }

    private bool TryBatch(ReadOnlySpan<byte> payload, long at)
    {
        if (payload.Length < JournalRecord.BatchBytes) return false;
        long firstRow = BinaryPrimitives.ReadInt64LittleEndian(payload[1..]);
        int count = BinaryPrimitives.ReadInt32LittleEndian(payload[9..]), deleted = BinaryPrimitives.ReadInt32LittleEndian(payload[17..]);
        long offsets = JournalRecord.BatchBytes + 8L * deleted, entries = offsets + 4L * count;
        long mostRows = _lost is null ? Rows : _journal.Length; // an entry has more than a byte
        if (count < 0 || deleted < 0 || entries > payload.Length || firstRow < Rows || firstRow > mostRows) return false;
        var deletions = MemoryMarshal.Cast<byte, long>(payload.Slice(JournalRecord.BatchBytes, 8 * deleted));
        foreach (long row in deletions)
            if (row < 0 || row >= firstRow) return false;
        // Rows whose record is lost have no names, and count as deleted.
        for (; Rows < firstRow; Rows++) Kill(Rows);
        foreach (long row in deletions) Kill(row);
        uint checksum = BinaryPrimitives.ReadUInt32LittleEndian(payload[13..]);
        if (count > 0) _batches.Add(new RowBatch(firstRow, count, at + offsets, at + entries, at + payload.Length, checksum));
        Rows += count;
        return true;
    }

    private void Kill(long row)
    {
        int word = checked((int)(row >> 6));
        // The array may belong to an earlier snapshot, so it is copied before the first change. It doubles when it grows, so that it is not
        // copied for every record.
        if (word >= _dead.Length) Array.Resize(ref _dead, Math.Max(word + 1, 2 * _dead.Length));
        else if (!_copied) _dead = [.. _dead];
        _copied = true;
        ulong bit = 1UL << (int)(row & 63);
        if ((_dead[word] & bit) == 0) DeadRows++;
        _dead[word] |= bit;
    }

    /// <summary>
    /// The offset of the next complete record; null if there is none. A crafted file may claim long records everywhere, so checksums are
    /// computed over no more than a few times its length.
    /// </summary>
    private long? RecordBeyond(long offset)
    {
        for (long from = offset + 1; from < _journal.Length && _budget > 0; from++)
        {
            int found = _journal.Bytes(from, (int)Math.Min(int.MaxValue, _journal.Length - from)).IndexOf(JournalRecord.Marker);
            if (found < 0) return null;
            from += found;
            _budget -= JournalRecord.HeadBytes + Math.Max(0, JournalRecord.ClaimedAt(_journal, from));
            if (JournalRecord.PayloadAt(_journal, from) >= 0) return from;
        }
        return null;
    }
}
