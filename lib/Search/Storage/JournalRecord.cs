using System.Buffers.Binary;
using System.Text;

namespace ClipNotebooks.Search.Storage;

/// <summary>
/// A record of the journal: marker, length, CRC-32C over the length and the payload; then the payload, whose first byte is the kind. All
/// numbers are little-endian. A complete record is a commit: the rows, entries and deletions in it take effect together.
/// </summary>
internal static class JournalRecord
{
    /// <summary>Marker, length and checksum.</summary>
    internal const int HeadBytes = 12;

    /// <summary>Kind, first row, rows, checksum of the rows' bytes, deletions.</summary>
    internal const int BatchBytes = 1 + 8 + 4 + 4 + 4;

    internal const byte Header = 0, Batch = 1, Root = 2, Touch = 3;

    /// <summary>The journal's own first bytes.</summary>
    internal static ReadOnlySpan<byte> Magic => "CLIPJRN\n"u8;

    internal static ReadOnlySpan<byte> Marker => "CREC"u8;

    internal static byte[] OfHeader(IndexHeader header) => Framed([Header, .. header.ToBytes()]);

    internal static byte[] OfRoot(string root) => Framed([Root, .. Encoding.UTF8.GetBytes(root)]);

    /// <summary>New times of files whose bytes are unchanged.</summary>
    internal static byte[] OfTouches(IReadOnlyCollection<(long Row, long Modified)> touches)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(Touch);
        foreach (var (row, modified) in touches)
        {
            writer.Write(row);
            writer.Write(modified);
        }
        writer.Flush();
        return Framed(stream.ToArray());
    }

    internal static byte[] OfBatch(long firstRow, uint vectorsChecksum, IReadOnlyList<StoredEntry> entries,
        IReadOnlyCollection<long> deletedRows)
    {
        using var entryBytes = new MemoryStream();
        using var entryWriter = new BinaryWriter(entryBytes, Encoding.UTF8);
        var offsets = new int[entries.Count];
        for (int i = 0; i < entries.Count; i++)
        {
            offsets[i] = (int)entryBytes.Position;
            entries[i].Write(entryWriter);
        }
        entryWriter.Flush();

        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(Batch);
        writer.Write(firstRow);
        writer.Write(entries.Count);
        writer.Write(vectorsChecksum);
        writer.Write(deletedRows.Count);
        foreach (long row in deletedRows) writer.Write(row);
        foreach (int offset in offsets) writer.Write(offset);
        entryBytes.WriteTo(stream);
        return Framed(stream.ToArray());
    }

    /// <summary>
    /// The payload's length that a record claims; −1 if no record begins at the offset, or the journal has fewer bytes than it claims.
    /// </summary>
    internal static int ClaimedAt(MappedFile journal, long offset)
    {
        if (journal.Length - offset < HeadBytes) return -1;
        var head = journal.Bytes(offset, HeadBytes);
        int length = BinaryPrimitives.ReadInt32LittleEndian(head[4..]);
        return head.StartsWith(Marker) && length >= 1 && length <= journal.Length - offset - HeadBytes ? length : -1;
    }

    /// <summary>The payload's length; −1 if there is no complete record at the offset.</summary>
    internal static int PayloadAt(MappedFile journal, long offset)
    {
        int length = ClaimedAt(journal, offset);
        if (length < 0) return -1;
        var head = journal.Bytes(offset, HeadBytes);
        uint checksum = Checksum.Of(journal.Bytes(offset + HeadBytes, length), Checksum.Of(head[4..8]));
        return checksum == BinaryPrimitives.ReadUInt32LittleEndian(head[8..]) ? length : -1;
    }

    private static byte[] Framed(byte[] payload)
    {
        var record = new byte[HeadBytes + payload.Length];
        Marker.CopyTo(record);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(4), payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), Checksum.Of(payload, Checksum.Of(record.AsSpan(4, 4))));
        payload.CopyTo(record, HeadBytes);
        return record;
    }
}
