using System.Runtime.InteropServices;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// A safetensors file (Hugging Face's format: eight bytes of header length, a JSON header, the tensors' bytes, little-endian, row-major). A
/// tensor's bytes are copied once, when it is read, straight into the tensor's memory. Reading is thread-safe.
/// </summary>
public sealed class SafetensorsFile : IWeightFile
{
    /// <summary>How many values are read at a time where they are converted: more bytes than a span holds may be in a tensor.</summary>
    private const int Piece = 1 << 15;

    private static readonly Dictionary<string, ScalarType> Types = new(StringComparer.Ordinal)
    {
        ["F64"] = ScalarType.Float64,
        ["F32"] = ScalarType.Float32,
        ["F16"] = ScalarType.Float16,
        ["BF16"] = ScalarType.BFloat16,
        ["I64"] = ScalarType.Int64,
        ["I32"] = ScalarType.Int32,
        ["I16"] = ScalarType.Int16,
        ["I8"] = ScalarType.Int8,
        ["U8"] = ScalarType.Byte,
        ["BOOL"] = ScalarType.Bool,
    };

    private readonly FileBytes _file;
    private readonly Dictionary<string, SafetensorsEntry> _entries;

    private SafetensorsFile(string path, FileBytes file, Dictionary<string, SafetensorsEntry> entries,
        IReadOnlyDictionary<string, string> metadata) =>
        (Path, _file, _entries, Metadata) = (path, file, entries, metadata);

    /// <summary>The file's path.</summary>
    public string Path { get; }

    /// <summary>The tensors, in the order of the header.</summary>
    public IReadOnlyCollection<SafetensorsEntry> Entries => _entries.Values;

    /// <summary>The tensors' names, in the order of the header.</summary>
    public IReadOnlyCollection<string> Names => _entries.Keys;

    /// <summary>The metadata in the header, such as <c>format: pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its whole header against the file's length; no tensor is read yet.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="CheckpointException">
    /// The file is not safetensors, is cut short, or its header contradicts its content; the message names the tensor.
    /// </exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no safetensors file at {path}.", path);
        var file = FileBytes.Open(path);
        try
        {
            var header = SafetensorsHeader.Read(file, path);
            var entries = header.Entries.Values.ToDictionary(entry => entry.Name, entry => new SafetensorsEntry(
                entry.Name, Types[entry.Type], entry.Shape, entry.Offset, entry.ByteLength), StringComparer.Ordinal);
            return new SafetensorsFile(path, file, entries, header.Metadata);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whether there is a tensor of that name.</summary>
    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>A tensor's element type, shape and place in the file, from the header.</summary>
    /// <exception cref="CheckpointException">There is no tensor of that name.</exception>
    public SafetensorsEntry Entry(string name) => _entries.TryGetValue(name, out var entry) ? entry :
        throw new CheckpointException($"{Path} has no tensor \"{Quote.Cut(name)}\".");

    /// <summary>The shape that the header gives a tensor.</summary>
    /// <exception cref="CheckpointException">There is no tensor of that name.</exception>
    public IReadOnlyList<long> Shape(string name) => Entry(name).Shape;

    /// <summary>Copies a tensor out of the file.</summary>
    /// <returns>The tensor, on the CPU, in the file's element type; the caller's to dispose.</returns>
    /// <exception cref="CheckpointException">There is no tensor of that name.</exception>
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
    /// <exception cref="CheckpointException">There is no tensor of that name.</exception>
    /// <exception cref="ArgumentException">The destination has another shape.</exception>
    public void ReadInto(string name, Tensor destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var entry = Entry(name);
        WeightCopy.Into(destination, this, name, entry.Type, () => _file.Read(entry.Offset, destination));
    }

    /// <summary>Copies a tensor's values, row by row, without libtorch.</summary>
    void IWeightFile.ReadInto(string name, Span<float> destination)
    {
        var entry = Entry(name);
        if (entry.Type is not (ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16))
        {
            using var scope = NewDisposeScope();
            MemoryMarshal.Cast<byte, float>(Read(name).to(float32).bytes).CopyTo(destination);
            return;
        }
        ushort[] bits = entry.Type == ScalarType.Float32 ? [] : new ushort[Math.Min(Piece, destination.Length)];
        for (int at = 0; at < destination.Length; at += Piece)
        {
            var part = destination.Slice(at, Math.Min(Piece, destination.Length - at));
            if (entry.Type == ScalarType.Float32)
            {
                _file.Read(entry.Offset + sizeof(float) * (long)at, MemoryMarshal.AsBytes(part));
                continue;
            }
            _file.Read(entry.Offset + sizeof(ushort) * (long)at, MemoryMarshal.AsBytes(bits.AsSpan(0, part.Length)));
            for (int i = 0; i < part.Length; i++) part[i] = entry.Type == ScalarType.Float16
                ? (float)BitConverter.UInt16BitsToHalf(bits[i]) : BitConverter.UInt32BitsToSingle((uint)bits[i] << 16);
        }
    }

    /// <summary>
    /// Writes tensors in the format's usual order, wide element types first and then by name, so that each is aligned. The file is first
    /// written beside its destination, then renamed: an interrupted write leaves nothing behind.
    /// </summary>
    /// <param name="path">The destination.</param>
    /// <param name="tensors">The tensors, on any device; they stay the caller's.</param>
    /// <param name="metadata">Metadata for the header; <c>format: pt</c> by default, which Hugging Face's loaders require.</param>
    /// <exception cref="ArgumentException">
    /// An element type has no name in the format, or a name is the header's own or that of two tensors; nothing is written.
    /// </exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string,
        string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(tensors);
        var ordered = tensors.OrderByDescending(pair => pair.Value.element_size()).ThenBy(pair => pair.Key, StringComparer.Ordinal)
            .ToList();
        RequireNames(path, [.. ordered.Select(pair => pair.Key)]);
        var described = ordered.Select(pair => (pair.Key, TypeOf(pair.Key, pair.Value), (IReadOnlyList<long>)pair.Value.shape)).ToList();
        AtomicFile.Write(path, stream =>
        {
            SafetensorsHeader.Write(stream, described, metadata ?? new Dictionary<string, string> { ["format"] = "pt" });
            foreach (var (_, tensor) in ordered)
            {
                using var scope = NewDisposeScope();
                stream.Write(tensor.detach().cpu().contiguous().bytes);
            }
        });
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>Refuses names by which the file could not be read back.</summary>
    private static void RequireNames(string path, IReadOnlyList<string> names)
    {
        string? twice = names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1)?.Key;
        if (twice is not null)
        {
            throw new ArgumentException(
                $"{path} is not written: two tensors are named \"{Quote.Cut(twice)}\". Give each a name of its own.", nameof(names));
        }
        if (names.Contains(SafetensorsHeader.MetadataName))
        {
            throw new ArgumentException($"{path} is not written: a tensor is named \"{SafetensorsHeader.MetadataName}\", as the format " +
                "calls its metadata. Rename it.", nameof(names));
        }
    }

    private static string TypeOf(string name, Tensor tensor) => Types.FirstOrDefault(type => type.Value == tensor.dtype).Key
        ?? throw new ArgumentException(
            $"The tensor \"{Quote.Cut(name)}\" has the element type {tensor.dtype}, which safetensors has no name for here.");
}
