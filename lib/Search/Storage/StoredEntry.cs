namespace ClipNotebooks.Search.Storage;

/// <summary>What the journal stores about one image.</summary>
internal sealed record StoredEntry
{
    private static readonly Dictionary<string, string> None = [];

    /// <summary>
    /// A file's path, relative to the indexed folder with '/' or absolute; or the name of an image that came from memory.
    /// </summary>
    internal required string Id { get; init; }

    internal required bool IsFile { get; init; }

    /// <summary>The file's length in bytes.</summary>
    internal long Length { get; init; }

    /// <summary>When the file was last written, in ticks of UTC.</summary>
    internal long Modified { get; init; }

    /// <summary>The first 16 bytes of the SHA-256 of the file; for an image from memory, of its size, layout and samples.</summary>
    internal UInt128 Hash { get; init; }

    internal IReadOnlyDictionary<string, string> Metadata { get; init; } = None;

    internal void Write(BinaryWriter writer)
    {
        writer.Write(Id);
        writer.Write(IsFile);
        writer.Write(Length);
        writer.Write(Modified);
        writer.Write((ulong)(Hash >> 64));
        writer.Write((ulong)Hash);
        writer.Write7BitEncodedInt(Metadata.Count);
        foreach (var (key, value) in Metadata)
        {
            writer.Write(key);
            writer.Write(value);
        }
    }

    /// <exception cref="IOException">There are fewer bytes than their lengths claim, or a length is negative.</exception>
    /// <exception cref="FormatException">A length in the bytes is not valid.</exception>
    internal static unsafe StoredEntry Read(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            using var stream = new UnmanagedMemoryStream(start, bytes.Length);
            using var reader = new BinaryReader(stream);
            var entry = new StoredEntry
            {
                Id = reader.ReadString(),
                IsFile = reader.ReadBoolean(),
                Length = reader.ReadInt64(),
                Modified = reader.ReadInt64(),
                Hash = new UInt128(reader.ReadUInt64(), reader.ReadUInt64()),
            };
            int count = reader.Read7BitEncodedInt();
            if (count == 0) return entry;
            var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
            for (int i = 0; i < count; i++) metadata[reader.ReadString()] = reader.ReadString();
            return entry with { Metadata = metadata };
        }
    }
}
