using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Hub;

/// <summary>
/// The header of a safetensors file (Hugging Face's format: eight bytes of header length, a JSON header, the tensors' bytes, little-endian,
/// row-major).
/// </summary>
/// <param name="Entries">The tensors by name, in the order of the header.</param>
/// <param name="Metadata">The header's metadata, such as <c>format: pt</c>.</param>
internal sealed record SafetensorsHeader(
    IReadOnlyDictionary<string, SafetensorsHeader.Entry> Entries, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>The key of the header that no tensor may have.</summary>
    internal const string MetadataName = "__metadata__";

    /// <summary>The format's own limit, 100 MB.</summary>
    private const long MaxLength = 100_000_000;

    /// <summary>More dimensions than any model's tensor has; libtorch's own loops take no more.</summary>
    private const int MaxRank = 64;

    /// <summary>The bytes of an element, by the name of its type in the format.</summary>
    internal static IReadOnlyDictionary<string, int> Sizes { get; } = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        ["F64"] = 8, ["F32"] = 4, ["F16"] = 2, ["BF16"] = 2, ["I64"] = 8, ["I32"] = 4, ["I16"] = 2, ["I8"] = 1, ["U8"] = 1, ["BOOL"] = 1,
    };

    /// <summary>Reads a file's header, and checks it against the file's length.</summary>
    /// <exception cref="CheckpointException">The file is not safetensors or is cut short, or its header contradicts the file.</exception>
    internal static SafetensorsHeader Read(FileBytes file, string path)
    {
        if (file.Length < 8) throw Damaged(path, file.Nature() ?? $"it has {file.Length} bytes, fewer than the 8 of a header's length");
        Span<byte> prefix = stackalloc byte[8];
        file.Read(0, prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxLength || (long)length > file.Length - 8)
            throw Damaged(path, file.Nature() ?? $"its header claims {length} bytes, the file has {file.Length - 8} after the length");
        var header = new byte[length];
        file.Read(8, header);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        return new SafetensorsHeader(Parse(path, header, 8 + (long)length, file.Length, metadata), metadata);
    }

    /// <summary>Writes the header and its length, for tensors whose bytes follow in this order.</summary>
    /// <param name="stream">The file, at its beginning.</param>
    /// <param name="tensors">Names, element types and shapes.</param>
    /// <param name="metadata">The header's metadata.</param>
    internal static void Write(Stream stream, IEnumerable<(string Name, string Type, IReadOnlyList<long> Shape)> tensors,
        IReadOnlyDictionary<string, string> metadata)
    {
        var header = new OrderedDictionary<string, object>(StringComparer.Ordinal) { [MetadataName] = metadata };
        long at = 0;
        foreach (var (name, type, shape) in tensors)
        {
            long end = at + shape.Aggregate((long)Sizes[type], (bytes, side) => bytes * side);
            header.Add(name, new { dtype = type, shape, data_offsets = new[] { at, end } });
            at = end;
        }
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        // Spaces fill the header up to a multiple of eight, so that the tensors lie aligned.
        byte[] spaces = [.. Enumerable.Repeat((byte)' ', -json.Length & 7)];
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length + spaces.Length);
        stream.Write(length);
        stream.Write(json);
        stream.Write(spaces);
    }

    private static Dictionary<string, Entry> Parse(
        string path, byte[] header, long start, long length, Dictionary<string, string> metadata)
    {
        var entries = new Dictionary<string, Entry>(StringComparer.Ordinal);
        try
        {
            using var json = JsonDocument.Parse(header);
            if (json.RootElement.ValueKind != JsonValueKind.Object) throw Damaged(path, "its header is not a JSON object");
            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (property.Name == MetadataName)
                {
                    foreach (var note in property.Value.EnumerateObject()) metadata[note.Name] = note.Value.GetString() ?? "";
                    continue;
                }
                if (!entries.TryAdd(property.Name, ParseEntry(path, property, start, length)))
                    throw Damaged(path, $"the tensor \"{Quote.Cut(property.Name)}\" stands there twice");
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException
            or DecoderFallbackException)
        {
            throw new CheckpointException($"{path} is not a sound safetensors file: its header cannot be read ({exception.Message})",
                exception);
        }

        long at = start;
        foreach (var entry in entries.Values.OrderBy(e => e.Offset).ThenBy(e => e.ByteLength))
        {
            if (entry.Offset != at)
                throw Damaged(path, $"the tensor \"{Quote.Cut(entry.Name)}\" begins at byte {entry.Offset - start} of the data, where " +
                $"{at - start} was expected: tensors overlap or leave a gap");
            at += entry.ByteLength;
        }
        if (at != length) throw Damaged(path, $"its tensors end at byte {at}, the file at {length}");
        return entries;
    }

    private static Entry ParseEntry(string path, JsonProperty property, long start, long fileLength)
    {
        string name = property.Name;
        if (!property.Value.TryGetProperty("dtype", out var type) || !property.Value.TryGetProperty("shape", out var shape)
            || !property.Value.TryGetProperty("data_offsets", out var offsets))
            throw Damaged(path, $"the tensor \"{Quote.Cut(name)}\" lacks dtype, shape or data_offsets");
        if (!Sizes.TryGetValue(type.GetString() ?? "", out int size))
            throw Damaged(path, $"the tensor \"{Quote.Cut(name)}\" has the element type {Quote.Cut(type.ToString())}; " +
                $"{string.Join(", ", Sizes.Keys)} are supported");

        long bytes = size, extent = size;
        var sides = new List<long>();
        foreach (var side in shape.EnumerateArray())
        {
            if (!side.TryGetInt64(out long value) || value < 0)
                throw Damaged(path, $"the tensor \"{Quote.Cut(name)}\" has a side of {Quote.Cut(side.GetRawText())}");
            // Sides of 0 count as 1 here: the strides of an empty tensor must not overflow either.
            if (extent > long.MaxValue / Math.Max(value, 1))
                throw Damaged(path, $"the tensor \"{Quote.Cut(name)}\" is larger than any file");
            extent *= Math.Max(value, 1);
            bytes *= value;
            sides.Add(value);
            if (sides.Count > MaxRank) throw Damaged(path, $"the tensor \"{Quote.Cut(name)}\" has more than {MaxRank} dimensions");
        }
        if (offsets.GetArrayLength() != 2 || !offsets[0].TryGetInt64(out long begin) || !offsets[1].TryGetInt64(out long end) || begin < 0
            || end < begin)
            throw Damaged(path, $"the tensor \"{Quote.Cut(name)}\" has the offsets {Quote.Cut(offsets.GetRawText())}");
        if (end > fileLength - start)
            throw Damaged(path, $"the tensor \"{Quote.Cut(name)}\" ends at byte {end} of the data, of which there are " +
            $"{fileLength - start}: the file is cut short");
        if (end - begin != bytes)
            throw Damaged(path, $"the tensor \"{Quote.Cut(name)}\" of shape ({Quote.Shape(sides)}) and type {type} takes {bytes} " +
            $"bytes, its offsets give {end - begin}");
        if (bytes > int.MaxValue)
            throw Damaged(path, $"the tensor \"{Quote.Cut(name)}\" takes {bytes} bytes; up to {int.MaxValue} are supported");
        return new Entry(name, type.GetString()!, sides, start + begin, bytes);
    }

    private static CheckpointException Damaged(string path, string reason) =>
        new($"{path} is not a sound safetensors file: {reason}. Fetch or write it again.");

    /// <summary>One tensor.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Type">Its element type's name.</param>
    /// <param name="Shape">Its shape; empty for a scalar.</param>
    /// <param name="Offset">Where its bytes begin in the file.</param>
    /// <param name="ByteLength">How many bytes there are.</param>
    internal sealed record Entry(string Name, string Type, IReadOnlyList<long> Shape, long Offset, long ByteLength);
}
