using System.Buffers.Binary;
using System.Text;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// The directory of a zip file whose entries are not compressed, so that each can be read at its offset in the file. (The base library's
/// <c>ZipArchive</c> gives streams and hides the offsets.) Layout: PKWARE APPNOTE 6.3, sections 4.3 to 4.5, with zip64.
/// </summary>
internal sealed class ZipDirectory
{
    private const int EndLength = 22, LocatorLength = 20, End64Length = 56, EntryLength = 46, LocalLength = 30;

    /// <summary>PyTorch writes some 100 bytes for a tensor: this is enough for a million.</summary>
    private const long MaxDirectoryLength = 100_000_000;

    private readonly string _path;
    private readonly FileBytes _file;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    private ZipDirectory(string path, FileBytes file) => (_path, _file) = (path, file);

    internal IReadOnlyCollection<string> Names => _entries.Keys;

    /// <exception cref="CheckpointException">The file is no zip file, or its directory is damaged.</exception>
    internal static ZipDirectory Read(string path, FileBytes file, MemoryBudget budget)
    {
        var directory = new ZipDirectory(path, file);
        var (start, length, count) = directory.Find();
        budget.Charge(3 * length + 300 * count);
        directory.Parse(start, length, count);
        return directory;
    }

    internal bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>The offset and length of an entry's bytes in the file.</summary>
    /// <exception cref="CheckpointException">
    /// There is no entry of that name, or it is compressed or encrypted, or reaches into the next entry.
    /// </exception>
    internal (long Offset, long Length) Place(string name)
    {
        if (!_entries.TryGetValue(name, out var entry)) throw Damaged($"it has no entry \"{Quote.Cut(name)}\"");
        if ((entry.Flags & 1) != 0) throw Damaged($"its entry \"{Quote.Cut(name)}\" is encrypted");
        if (entry.Method != 0 || entry.Compressed != entry.Length)
            throw Damaged($"its entry \"{Quote.Cut(name)}\" is compressed (method {entry.Method}), which PyTorch does not do: unpack " +
                $"the file and pack it again without compression (zip -0)");
        Span<byte> local = stackalloc byte[LocalLength];
        if (entry.Header > entry.Limit - LocalLength) throw Damaged($"its entry \"{Quote.Cut(name)}\" begins beyond its place");
        _file.Read(entry.Header, local);
        if (BinaryPrimitives.ReadUInt32LittleEndian(local) != 0x04034b50)
            throw Damaged($"its entry \"{Quote.Cut(name)}\" does not begin as one");
        long offset = entry.Header + LocalLength + BinaryPrimitives.ReadUInt16LittleEndian(local[26..]) +
            BinaryPrimitives.ReadUInt16LittleEndian(local[28..]);
        return offset <= entry.Limit && entry.Length <= entry.Limit - offset ? (offset, entry.Length) :
            throw Damaged($"its entry \"{Quote.Cut(name)}\" reaches into what follows it");
    }

    private (long Start, long Length, long Count) Find()
    {
        // The end record comes last, followed only by a comment of up to 65,535 bytes.
        var tail = new byte[Math.Min(_file.Length, EndLength + ushort.MaxValue)];
        long tailStart = _file.Length - tail.Length;
        _file.Read(tailStart, tail);
        int at = tail.Length - EndLength;
        while (at >= 0 && BinaryPrimitives.ReadUInt32LittleEndian(tail.AsSpan(at)) != 0x06054b50) at--;
        if (at < 0) throw Damaged("it has no end record: the file is cut short");
        var end = tail.AsSpan(at);
        long count = BinaryPrimitives.ReadUInt16LittleEndian(end[10..]), length = BinaryPrimitives.ReadUInt32LittleEndian(end[12..]),
            start = BinaryPrimitives.ReadUInt32LittleEndian(end[16..]), limit = tailStart + at;
        if (limit >= LocatorLength + End64Length)
        {
            Span<byte> locator = stackalloc byte[LocatorLength];
            _file.Read(limit - LocatorLength, locator);
            if (BinaryPrimitives.ReadUInt32LittleEndian(locator) == 0x07064b50)
            {
                long place = BinaryPrimitives.ReadInt64LittleEndian(locator[8..]);
                if (place < 0 || place > limit - LocatorLength - End64Length) throw Damaged("its zip64 end record lies outside");
                Span<byte> end64 = stackalloc byte[End64Length];
                _file.Read(place, end64);
                if (BinaryPrimitives.ReadUInt32LittleEndian(end64) != 0x06064b50) throw Damaged(
                    "its zip64 end record does not begin as one");
                (count, length, start, limit) = (BinaryPrimitives.ReadInt64LittleEndian(end64[32..]),
                    BinaryPrimitives.ReadInt64LittleEndian(end64[40..]), BinaryPrimitives.ReadInt64LittleEndian(end64[48..]), place);
            }
        }
        if (start < 0 || length < 0 || start > limit || length > limit - start || length > MaxDirectoryLength) throw Damaged(
            $"its directory claims bytes {start} to {(Int128)start + length} of {limit}");
        if (count < 0 || count > length / EntryLength) throw Damaged($"its directory claims {count} entries in {length} bytes");
        return (start, length, count);
    }

    private void Parse(long start, long length, long count)
    {
        var bytes = new byte[length];
        _file.Read(start, bytes);
        var all = new List<(string Name, Entry Entry)>();
        int at = 0;
        for (long i = 0; i < count; i++)
        {
            if (at > bytes.Length - EntryLength || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at)) != 0x02014b50) throw Damaged(
                $"entry {i} of its directory does not begin as one");
            var fields = bytes.AsSpan(at, EntryLength);
            int name = BinaryPrimitives.ReadUInt16LittleEndian(fields[28..]), extra = BinaryPrimitives.ReadUInt16LittleEndian(fields[30..]),
                comment = BinaryPrimitives.ReadUInt16LittleEndian(fields[32..]);
            if (at + EntryLength + name + extra + comment > bytes.Length) throw Damaged($"entry {i} of its directory reaches beyond it");
            string text = Encoding.UTF8.GetString(bytes, at + EntryLength, name);
            long compressed = BinaryPrimitives.ReadUInt32LittleEndian(fields[20..]),
                size = BinaryPrimitives.ReadUInt32LittleEndian(fields[24..]),
                header = BinaryPrimitives.ReadUInt32LittleEndian(fields[42..]);
            Widen(bytes.AsSpan(at + EntryLength + name, extra), text, ref size, ref compressed, ref header);
            if (compressed < 0 || size < 0 || header < 0 || header > start || compressed > start - header)
                throw Damaged($"its entry \"{Quote.Cut(text)}\" lies outside the file");
            all.Add((text, new Entry(BinaryPrimitives.ReadUInt16LittleEndian(fields[8..]),
                BinaryPrimitives.ReadUInt16LittleEndian(fields[10..]), compressed, size, header, start)));
            at += EntryLength + name + extra + comment;
        }
        // Each entry ends where the next begins: overlapping entries could give more data than the file has.
        long limit = start;
        foreach (var (name, entry) in all.OrderByDescending(item => item.Entry.Header))
        {
            if (!_entries.TryAdd(name, entry with { Limit = limit })) throw Damaged($"it has the entry \"{Quote.Cut(name)}\" twice");
            limit = entry.Header;
        }
    }

    /// <summary>Takes the sizes that do not fit 32 bits from the zip64 field.</summary>
    private void Widen(ReadOnlySpan<byte> extra, string name, ref long size, ref long compressed, ref long header)
    {
        if (size != uint.MaxValue && compressed != uint.MaxValue && header != uint.MaxValue) return;
        while (extra.Length >= 4)
        {
            int id = BinaryPrimitives.ReadUInt16LittleEndian(extra), length = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (length > extra.Length - 4) break;
            if (id == 1)
            {
                var values = extra.Slice(4, length);
                if (!Take(ref values, ref size) || !Take(ref values, ref compressed) || !Take(ref values, ref header)) break;
                return;
            }
            extra = extra[(4 + length)..];
        }
        throw Damaged($"its entry \"{Quote.Cut(name)}\" lacks the sizes that zip64 gives");

        static bool Take(ref ReadOnlySpan<byte> values, ref long value)
        {
            if (value != uint.MaxValue) return true;
            if (values.Length < 8) return false;
            value = BinaryPrimitives.ReadInt64LittleEndian(values);
            values = values[8..];
            return true;
        }
    }

    private CheckpointException Damaged(string reason) => new($"{_path} is not a sound PyTorch file: {reason}. Fetch or write it again.");

    private sealed record Entry(int Flags, int Method, long Compressed, long Length, long Header, long Limit);
}
