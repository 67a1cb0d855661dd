using System.Buffers.Binary;

namespace ClipNotebooks.Search.Storage;

/// <summary>
/// The seal, which follows the journal's magic and states how many of its bytes are committed. After those bytes there may be part of a
/// record whose commit a crash interrupted; bytes missing or broken among them are later damage. The seal is written once the record is on
/// the device, and is not flushed itself: after a power cut it may state less than was committed, never more.
/// </summary>
internal static class JournalSeal
{
    /// <summary>Tag, length and CRC-32C over both.</summary>
    internal const int Bytes = 16;

    private static ReadOnlySpan<byte> Tag => "SEAL"u8;

    internal static byte[] Of(long committed)
    {
        var seal = new byte[Bytes];
        Tag.CopyTo(seal);
        BinaryPrimitives.WriteInt64LittleEndian(seal.AsSpan(4), committed);
        BinaryPrimitives.WriteUInt32LittleEndian(seal.AsSpan(12), Checksum.Of(seal.AsSpan(0, 12)));
        return seal;
    }

    /// <summary>
    /// Reads a journal's seal. Must be called before asking for the journal's length, since another process may append meanwhile.
    /// </summary>
    /// <param name="journal">The file.</param>
    /// <param name="lost">Null: a broken seal throws. Otherwise it is described here.</param>
    /// <returns>
    /// The offset of the first record, and how many bytes are committed; 0 if no seal states it, as in an earlier version's journal.
    /// </returns>
    /// <exception cref="InvalidDataException">The file is no journal, or its seal is broken.</exception>
    internal static (int Start, long Committed) Read(FileStream journal, List<string>? lost)
    {
        int magic = JournalRecord.Magic.Length;
        var head = new byte[magic + Bytes];
        for (int attempt = 0; attempt < 10; attempt++)
        {
            int read = RandomAccess.Read(journal.SafeFileHandle, head, 0);
            if (read < magic) throw new InvalidDataException($"{journal.Name} is not the journal of an image index: it has {read} bytes.");
            if (!head.AsSpan().StartsWith(JournalRecord.Magic))
                throw new InvalidDataException($"{journal.Name} is not the journal of an image index: its first bytes are others.");
            var seal = head.AsSpan(magic, read - magic);
            if (seal.StartsWith(JournalRecord.Marker)) return (magic, 0);
            long committed = seal.Length == Bytes ? BinaryPrimitives.ReadInt64LittleEndian(seal[4..]) : 0;
            if (seal.SequenceEqual(Of(committed))) return (magic + Bytes, committed);
            // A writer may be changing it just now.
            Thread.Yield();
        }
        string what = $"the seal at byte {magic}, which says how much is committed";
        if (lost is null) throw new InvalidDataException($"{journal.Name} is damaged: {what}, is broken. {Advice(journal.Name)}");
        lost.Add($"{journal.Name}: {what}");
        return (magic + Bytes, 0);
    }

    /// <summary>What to do about a damaged journal.</summary>
    internal static string Advice(string path) =>
        "The files are left as they are. Restore them from a copy, index the images again, or keep what is whole: "
        + $"clipbook merge {Path.GetDirectoryName(path)} --index NEW --salvage.";
}
