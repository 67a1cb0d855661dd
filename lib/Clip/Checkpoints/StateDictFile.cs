using System.Buffers.Binary;
using System.Text;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// A file that PyTorch wrote: a state dict saved by <c>torch.save</c> (<c>pytorch_model.bin</c>, <c>open_clip_pytorch_model.bin</c>,
/// <c>*.pt</c>; a zip file since PyTorch 1.6, a sequence of pickles before), a training checkpoint with its <c>state_dict</c> inside, or a
/// TorchScript archive such as openai/CLIP's <c>ViT-B-32.pt</c>, whose parameters and buffers are read and whose code is not. No code in
/// the file is ever run: the pickle is read as data, and anything else than tensors in it is refused by name. A tensor is copied once, when
/// it is read. Reading is thread-safe.
/// </summary>
public sealed class StateDictFile : IWeightFile
{
    /// <summary>The largest pickle that is read; those of several thousand tensors take less than 1 MB.</summary>
    private const long MaxPickleLength = 100_000_000;

    /// <summary>Bounds on the walk through an object, whose parts may refer to each other.</summary>
    private const int MaxParts = 1_000_000, MaxDepth = 100;

    /// <summary>
    /// Protocol 2 and the number 0x1950a86a20f9469cfc6c: how files began before PyTorch 1.6 (torch/serialization.py, MAGIC_NUMBER).
    /// </summary>
    private static readonly byte[] LegacyMagic =
        [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.'];

    private readonly FileBytes _file;
    private readonly MemoryBudget _budget;
    private readonly Dictionary<string, StateDictEntry> _entries = new(StringComparer.Ordinal);

    private StateDictFile(string path, FileBytes file) => (Path, _file, _budget) = (path, file, new MemoryBudget(path, file.Length));

    /// <summary>The file's path.</summary>
    public string Path { get; }

    /// <summary>The tensors, in the order of the file.</summary>
    public IReadOnlyCollection<StateDictEntry> Entries => _entries.Values;

    /// <summary>The tensors' names, in the order of the file.</summary>
    public IReadOnlyCollection<string> Names => _entries.Keys;

    /// <summary>Opens a file and checks that every tensor lies within the file; no tensor is read yet.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="CheckpointException">
    /// The file is not PyTorch's, is damaged, or holds anything but tensors; the message says what.
    /// </exception>
    public static StateDictFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no PyTorch file at {path}.", path);
        var bytes = FileBytes.Open(path);
        var file = new StateDictFile(path, bytes);
        try
        {
            Span<byte> first = stackalloc byte[(int)Math.Min(bytes.Length, LegacyMagic.Length)];
            bytes.Read(0, first);
            if (first.StartsWith("PK"u8)) file.ReadZip();
            else if (first.SequenceEqual(LegacyMagic)) file.ReadLegacy();
            else throw file.Damaged(bytes.Nature() ?? "it begins neither as a zip file nor as PyTorch's earlier format does");
            return file;
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <summary>Whether there is a tensor of that name.</summary>
    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>A tensor's element type, shape, strides and offset in the file.</summary>
    /// <exception cref="CheckpointException">There is no tensor of that name.</exception>
    public StateDictEntry Entry(string name) => _entries.TryGetValue(name, out var entry) ? entry :
        throw new CheckpointException($"{Path} has no tensor \"{Quote.Cut(name)}\".");

    /// <summary>A tensor's shape.</summary>
    /// <exception cref="CheckpointException">There is no tensor of that name.</exception>
    public IReadOnlyList<long> Shape(string name) => Entry(name).Shape;

    /// <summary>Copies a tensor out of the file.</summary>
    /// <returns>The tensor, contiguous, on the CPU, in the file's element type; the caller's to dispose.</returns>
    /// <exception cref="CheckpointException">There is no tensor of that name, or the file was cut short since it was opened.</exception>
    public Tensor Read(string name)
    {
        var entry = Entry(name);
        var tensor = empty([.. entry.Shape], dtype: entry.Type);
        Fill(entry, tensor);
        return tensor;
    }

    /// <summary>Copies a tensor into one that exists, such as a model's parameter, converting its element type where they differ.</summary>
    /// <param name="name">The tensor in the file.</param>
    /// <param name="destination">
    /// A tensor of the same shape, on any device, that needs no gradient or is filled under <c>no_grad</c>.
    /// </param>
    /// <exception cref="CheckpointException">There is no tensor of that name, or the file was cut short since it was opened.</exception>
    /// <exception cref="ArgumentException">The destination has another shape.</exception>
    public void ReadInto(string name, Tensor destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var entry = Entry(name);
        WeightCopy.Into(destination, this, name, entry.Type, () => Fill(entry, destination));
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private void Fill(StateDictEntry entry, Tensor destination)
    {
        if (IsRowMajor(entry.Shape, entry.Strides))
        {
            _file.Read(entry.Offset, destination);
            return;
        }
        using var scope = NewDisposeScope();
        long elements = 1 + entry.Shape.Zip(entry.Strides).Sum(side => (side.First - 1) * side.Second);
        var window = empty([elements], dtype: entry.Type);
        _file.Read(entry.Offset, window);
        destination.copy_(window.as_strided([.. entry.Shape], [.. entry.Strides]));
    }

    private static bool IsRowMajor(IReadOnlyList<long> shape, IReadOnlyList<long> strides)
    {
        if (shape.Contains(0)) return true;
        long step = 1;
        for (int axis = shape.Count - 1; axis >= 0; axis--)
        {
            if (shape[axis] > 1 && strides[axis] != step) return false;
            step *= shape[axis];
        }
        return true;
    }

    /// <summary>
    /// Reads the format since PyTorch 1.6: an entry <c>NAME/data.pkl</c>, and an entry <c>NAME/data/KEY</c> for each storage.
    /// </summary>
    private void ReadZip()
    {
        var zip = ZipDirectory.Read(Path, _file, _budget);
        var pickles = zip.Names.Where(name => name == "data.pkl"
            || (name.EndsWith("/data.pkl", StringComparison.Ordinal)
            && name.IndexOf('/', StringComparison.Ordinal) == name.Length - "/data.pkl".Length)).ToList();
        if (pickles.Count != 1) throw Damaged($"a zip file of PyTorch's has one data.pkl, this one {pickles.Count}");
        string root = pickles[0][..^"data.pkl".Length];
        if (zip.Contains(root + "byteorder") && Encoding.ASCII.GetString(Bytes(root + "byteorder", 16)).Trim() is not "little")
            throw Damaged("its numbers are not little-endian; save it on a little-endian machine");
        bool torchScript = zip.Contains(root + "constants.pkl");
        var pickle = new PickleReader(Path, Bytes(pickles[0], MaxPickleLength), _budget, torchScript);
        Add(pickle.Read(), storage => zip.Place($"{root}data/{storage.Key}"));

        byte[] Bytes(string name, long most)
        {
            var (offset, length) = zip.Place(name);
            if (length > most) throw Damaged($"its entry \"{Quote.Cut(name)}\" has {length} bytes; up to {most} are supported");
            _budget.Charge(length);
            var content = new byte[length];
            _file.Read(offset, content);
            return content;
        }
    }

    /// <summary>
    /// Reads the format before PyTorch 1.6: pickles of a magic number, a version, the machine, the object and the storages' keys; then the
    /// storages, each after its length.
    /// </summary>
    private void ReadLegacy()
    {
        // The pickles come before the data, and nothing says how long they are: they are read from a piece of the file that grows until it
        // contains them.
        for (long length = Math.Min(_file.Length, 1 << 20); ; length = Math.Min(Math.Min(_file.Length, MaxPickleLength), length * 4))
        {
            _budget.Charge(length);
            var head = new byte[length];
            _file.Read(0, head);
            var reader = new PickleReader(Path, head, _budget, torchScript: false);
            object? content, keys;
            Dictionary<string, PickledStorage> storages;
            try
            {
                reader.Read(LegacyMagic.Length);
                reader.Read(reader.Position);
                content = reader.Read(reader.Position);
                storages = reader.Storages;
                keys = reader.Read(reader.Position);
            }
            catch (CheckpointException) when (length < _file.Length && length < MaxPickleLength)
            {
                continue;
            }
            var order = (keys as List<object?>)?.OfType<string>().ToList() ?? throw Damaged("it does not list its storages");
            long at = reader.Position;
            var places = new Dictionary<string, (long, long)>(StringComparer.Ordinal);
            Span<byte> count = stackalloc byte[8];
            foreach (string key in order)
            {
                if (!storages.TryGetValue(key, out var storage))
                    throw Damaged($"it has a storage \"{Quote.Cut(key)}\" that nothing refers to");
                if (at > _file.Length - 8) throw Damaged($"it is cut short before its storage \"{Quote.Cut(key)}\"");
                _file.Read(at, count);
                long elements = BinaryPrimitives.ReadInt64LittleEndian(count);
                if (elements != storage.Count || (Int128)elements * storage.Size > _file.Length - at - 8)
                    throw Damaged($"its storage \"{Quote.Cut(key)}\" has {elements} elements, {storage.Count} were said, and " +
                    $"{_file.Length - at - 8} bytes are left");
                if (!places.TryAdd(key, (at + 8, elements * storage.Size)))
                    throw Damaged($"it lists its storage \"{Quote.Cut(key)}\" twice");
                at += 8 + elements * storage.Size;
            }
            Add(content, storage => places.TryGetValue(storage.Key, out var place) ? place :
                throw Damaged($"its storage \"{Quote.Cut(storage.Key)}\" is missing"));
            return;
        }
    }

    private void Add(object? content, Func<PickledStorage, (long Offset, long Length)> place)
    {
        var offsets = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (name, tensor) in Tensors(content))
        {
            var storage = tensor.Storage;
            _budget.Charge(200);
            if (!offsets.TryGetValue(storage.Key, out long start))
            {
                _budget.Charge(200 + 2L * storage.Key.Length);
                var (offset, length) = place(storage);
                if (length != (Int128)storage.Count * storage.Size)
                    throw Damaged($"its storage \"{Quote.Cut(storage.Key)}\" takes {(Int128)storage.Count * storage.Size} bytes, the " +
                    $"file has {length} there");
                offsets[storage.Key] = start = offset;
            }
            if (!_entries.TryAdd(name, new StateDictEntry(
                name, storage.Type, tensor.Shape, tensor.Strides, start + tensor.Offset * storage.Size)))
                throw Damaged($"the tensor \"{Quote.Cut(name)}\" stands there twice");
        }
    }

    /// <summary>
    /// The tensors by name: those of the dictionary, of the one under <c>state_dict</c> in a training checkpoint, or of a TorchScript
    /// module and its parts.
    /// </summary>
    private List<(string Name, PickledTensor Tensor)> Tensors(object? content)
    {
        var found = new List<(string, PickledTensor)>();
        if (content is PickledObject module)
        {
            int parts = 0;
            Walk(module, "", 0, ref parts);
            return found;
        }
        var dictionary = content as List<KeyValuePair<object?, object?>> ?? throw Damaged("it holds no state dict");
        if (dictionary.Find(pair => pair.Key is "state_dict").Value is List<KeyValuePair<object?, object?>> inner) dictionary = inner;
        foreach (var (key, value) in dictionary)
        {
            if (key is not string name) throw Damaged("its dictionary has a key that is no word");
            _budget.ChargeGrowth(found.Count, found.Capacity, 1, 16);
            found.Add((name, value as PickledTensor ??
                throw Damaged($"\"{Quote.Cut(name)}\" is no tensor: a state dict is needed, or a dictionary that has one under " +
                $"\"state_dict\"")));
        }
        return found;

        void Walk(PickledObject part, string prefix, int depth, ref int parts)
        {
            if (depth > MaxDepth) throw Damaged(
                $"its module has parts within parts more than {MaxDepth} deep, or one that contains itself");
            foreach (var (key, value) in part.Attributes)
            {
                if (++parts > MaxParts) throw Damaged($"its module has more than {MaxParts} parts");
                if (key is not string name) throw Damaged("its module has an attribute whose name is no word");
                if (value is not (PickledTensor or PickledObject)) continue;
                _budget.Charge(32 + 2L * (prefix.Length + name.Length));
                _budget.ChargeGrowth(found.Count, found.Capacity, 1, 16);
                if (value is PickledTensor tensor) found.Add((prefix + name, tensor));
                else Walk((PickledObject)value, $"{prefix}{name}.", depth + 1, ref parts);
            }
        }
    }

    private CheckpointException Damaged(string reason) => new($"{Path} is not a sound PyTorch file: {reason}. Fetch or write it again.");
}
