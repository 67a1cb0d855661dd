using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// A safetensors file (Hugging Face's format: eight bytes of header length, a JSON header, the tensors' bytes, little-endian, row-major). A
/// tensor is copied once, when it is read, straight into its memory. Reading is thread-safe.
/// </summary>
public sealed class SafetensorsFile : IWeightFile
{
    /// <summary>The format's own limit on the header, 100 MB.</summary>
    private const long MaxHeaderLength = 100_000_000;

    /// <summary>More dimensions than any model's tensor, and as many as libtorch's own loops take.</summary>
    private const int MaxRank = 64;

    private static readonly Dictionary<string, (ScalarType Type, int Size)> Types = new(StringComparer.Ordinal)
    {
        ["F64"] = (ScalarType.Float64, 8),
        ["F32"] = (ScalarType.Float32, 4),
        ["F16"] = (ScalarType.Float16, 2),
        ["BF16"] = (ScalarType.BFloat16, 2),
        ["I64"] = (ScalarType.Int64, 8),
        ["I32"] = (ScalarType.Int32, 4),
        ["I16"] = (ScalarType.Int16, 2),
        ["I8"] = (ScalarType.Int8, 1),
        ["U8"] = (ScalarType.Byte, 1),
        ["BOOL"] = (ScalarType.Bool, 1),
    };

    private readonly FileBytes _file;
    private readonly Dictionary<string, SafetensorsEntry> _entries;

    private SafetensorsFile(string path, FileBytes file, Dictionary<string, SafetensorsEntry> entries,
        IReadOnlyDictionary<string, string> metadata) =>
        (Path, _file, _entries, Metadata) = (path, file, entries, metadata);

    /// <summary>Where the file lies.</summary>
    public string Path { get; }

    /// <summary>The tensors, in the order of the header.</summary>
    public IReadOnlyCollection<SafetensorsEntry> Entries => _entries.Values;

    /// <summary>The tensors' names, in the order of the header.</summary>
    public IReadOnlyCollection<string> Names => _entries.Keys;

    /// <summary>The header's own notes, such as <c>format: pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its whole header against the file's length; no tensor is read yet.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="CheckpointException">
    /// The file is not safetensors, is cut short, or its header lies; the message names the tensor.
    /// </exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no safetensors file at {path}.", path);
        var file = FileBytes.Open(path);
        try
        {
            if (file.Length < 8) throw Damaged(path, file.Nature() ?? $"it has {file.Length} bytes, fewer than the 8 of a header's length");
            Span<byte> prefix = stackalloc byte[8];
            file.Read(0, prefix);
            ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
            if (headerLength > MaxHeaderLength || (long)headerLength > file.Length - 8)
                throw Damaged(path, file.Nature() ?? $"its header claims {headerLength} bytes, the file has {file.Length - 8} after the " +
                    $"length");
            var header = new byte[headerLength];
            file.Read(8, header);

            var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
            return new SafetensorsFile(path, file, Parse(path, header, 8 + (long)headerLength, file.Length, metadata), metadata);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whether there is a tensor of that name.</summary>
    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>What the header says of a tensor.</summary>
    /// <exception cref="CheckpointException">There is none of that name.</exception>
    public SafetensorsEntry Entry(string name) => _entries.TryGetValue(name, out var entry) ? entry :
        throw new CheckpointException($"{Path} has no tensor \"{Quote.Cut(name)}\".");

    /// <summary>The shape that the header gives a tensor.</summary>
    /// <exception cref="CheckpointException">There is none of that name.</exception>
    public IReadOnlyList<long> Shape(string name) => Entry(name).Shape;

    /// <summary>Copies a tensor out of the file.</summary>
    /// <returns>The tensor, on the CPU, in the file's element type; the caller's to dispose.</returns>
    /// <exception cref="CheckpointException">There is none of that name.</exception>
    public Tensor Read(string name)
    {
        var entry = Entry(name);
        var tensor = empty([.. entry.Shape], dtype: entry.Type);
        _file.Read(entry.Offset, tensor);
        return tensor;
    }

    /// <summary>Copies a tensor into one that exists, such as a model's parameter, converting its element type where they differ.</summary>
    /// <param name="name">The tensor in the file.</param>
    /// <param name="destination">
    /// A tensor of the same shape, on any device, that needs no gradient or is filled under <c>no_grad</c>.
    /// </param>
    /// <exception cref="CheckpointException">There is none of that name.</exception>
    /// <exception cref="ArgumentException">The destination has another shape.</exception>
    public void ReadInto(string name, Tensor destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var entry = Entry(name);
        WeightCopy.Into(destination, this, name, entry.Type, () => _file.Read(entry.Offset, destination));
    }

    /// <summary>
    /// Writes tensors in the format's usual order, wide element types first and then by name, so that each lies aligned. The file is
    /// written beside its place and then renamed: an interrupted write leaves nothing behind.
    /// </summary>
    /// <param name="path">Where to.</param>
    /// <param name="tensors">The tensors, on any device; they stay the caller's.</param>
    /// <param name="metadata">Notes for the header; <c>format: pt</c> by default, which Hugging Face's loaders ask for.</param>
    /// <exception cref="ArgumentException">An element type has no name in the format.</exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string,
        string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(tensors);
        var ordered = tensors.OrderByDescending(pair => pair.Value.element_size()).ThenBy(pair => pair.Key, StringComparer.Ordinal)
            .ToList();
        byte[] header = Header(ordered, metadata ?? new Dictionary<string, string> { ["format"] = "pt" });
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach (var (_, tensor) in ordered)
            {
                using var scope = NewDisposeScope();
                stream.Write(tensor.detach().cpu().contiguous().bytes);
            }
        });
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private static byte[] Header(List<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach (var (key, value) in metadata) json.WriteString(key, value);
            json.WriteEndObject();
            long at = 0;
            foreach (var (name, tensor) in tensors)
            {
                var (type, (_, size)) = Types.FirstOrDefault(t => t.Value.Type == tensor.dtype) is { Key: not null } known
                    ? known
                    : throw new ArgumentException($"The tensor \"{Quote.Cut(name)}\" has the element type {tensor.dtype}, which " +
                        $"safetensors has no name for here.");
                long end = at + tensor.numel() * size;
                json.WriteStartObject(name);
                json.WriteString("dtype", type);
                json.WriteStartArray("shape");
                foreach (long side in tensor.shape) json.WriteNumberValue(side);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(at);
                json.WriteNumberValue(end);
                json.WriteEndArray();
                json.WriteEndObject();
                at = end;
            }
            json.WriteEndObject();
        }
        // Spaces fill the header up to a multiple of eight, so that the tensors lie aligned.
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }

    private static Dictionary<string, SafetensorsEntry> Parse(
        string path, byte[] header, long start, long length, Dictionary<string, string> metadata)
    {
        var entries = new Dictionary<string, SafetensorsEntry>(StringComparer.Ordinal);
        try
        {
            using var json = JsonDocument.Parse(header);
            if (json.RootElement.ValueKind != JsonValueKind.Object) throw Damaged(path, "its header is not a JSON object");
            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (property.Name == "__metadata__")
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

    private static SafetensorsEntry ParseEntry(string path, JsonProperty property, long start, long fileLength)
    {
        string name = property.Name;
        if (!property.Value.TryGetProperty("dtype", out var type) || !property.Value.TryGetProperty("shape", out var shape)
            || !property.Value.TryGetProperty("data_offsets", out var offsets))
            throw Damaged(path, $"the tensor \"{Quote.Cut(name)}\" lacks dtype, shape or data_offsets");
        if (!Types.TryGetValue(type.GetString() ?? "", out var known))
            throw Damaged(path, $"the tensor \"{Quote.Cut(name)}\" has the element type {Quote.Cut(type.ToString())}; " +
                $"{string.Join(", ", Types.Keys)} are supported");

        long bytes = known.Size, extent = known.Size;
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
        return new SafetensorsEntry(name, known.Type, sides, start + begin, bytes);
    }

    private static CheckpointException Damaged(string path, string reason) =>
        new($"{path} is not a sound safetensors file: {reason}. Fetch or write it again.");
}
