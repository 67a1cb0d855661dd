using System.Buffers.Binary;
using System.Text;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Reads a pickle as data. Python's own reader calls whatever a pickle names; this one knows dictionaries, lists, tuples, numbers, strings
/// and the few functions that build a tensor, all implemented here, and refuses every other name. The instructions are those of pickle's
/// protocols 2 to 5 (CPython, <c>pickletools.py</c>) that PyTorch writes; none of protocol 5's own is among them. Memory stays in
/// proportion to the file, whatever the pickle claims: no allocation has a size that is a number in the pickle, and each is charged to the
/// budget.
/// </summary>
/// <param name="path">The file, for messages.</param>
/// <param name="data">The pickle, possibly followed by other bytes.</param>
/// <param name="budget">The memory that reading the file may take.</param>
/// <param name="torchScript">Whether objects of TorchScript's classes are read, as their attributes.</param>
internal sealed class PickleReader(string path, byte[] data, MemoryBudget budget, bool torchScript)
{
    private const int MaxRank = 64;
    private const string ObjectPrefix = "__torch__.";

    private static readonly object MarkValue = new(), True = true, False = false;

    private static readonly PickledTuple Nothing = new([]);

    /// <summary>The numbers of one byte, boxed once.</summary>
    private static readonly object[] Small = [.. Enumerable.Range(0, 256).Select(number => (object)(long)number)];

    private static readonly Dictionary<string, (ScalarType Type, int Size)> StorageTypes = new(StringComparer.Ordinal)
    {
        ["torch.DoubleStorage"] = (ScalarType.Float64, 8),
        ["torch.FloatStorage"] = (ScalarType.Float32, 4),
        ["torch.HalfStorage"] = (ScalarType.Float16, 2),
        ["torch.BFloat16Storage"] = (ScalarType.BFloat16, 2),
        ["torch.LongStorage"] = (ScalarType.Int64, 8),
        ["torch.IntStorage"] = (ScalarType.Int32, 4),
        ["torch.ShortStorage"] = (ScalarType.Int16, 2),
        ["torch.CharStorage"] = (ScalarType.Int8, 1),
        ["torch.ByteStorage"] = (ScalarType.Byte, 1),
        ["torch.BoolStorage"] = (ScalarType.Bool, 1),
    };

    private static readonly HashSet<string> Functions = new(StringComparer.Ordinal)
    {
        "collections.OrderedDict", "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter",
            "torch.Size",
    };

    /// <summary>The functions that TorchScript writes around attributes that are lists or devices.</summary>
    private static readonly HashSet<string> TorchScriptFunctions = new(StringComparer.Ordinal)
    {
        "torch.jit._pickle.build_intlist", "torch.jit._pickle.build_doublelist", "torch.jit._pickle.build_boollist",
            "torch.jit._pickle.build_tensorlist", "torch.jit._pickle.restore_type_tag",
        "torch.device",
    };

    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<long, object?> _memo = [];

    /// <summary>The index of the next unread byte.</summary>
    internal int Position { get; private set; }

    /// <summary>The storages that the last pickle refers to, by their keys.</summary>
    internal Dictionary<string, PickledStorage> Storages { get; private set; } = [];

    /// <summary>Reads one pickle from <paramref name="start"/> on.</summary>
    /// <returns>
    /// null, bool, long, double, string, <see cref="PickledTuple"/>, a list of values, a list of pairs (a dictionary),
    /// <see cref="PickledTensor"/>, <see cref="PickledStorage"/>, <see cref="PickledGlobal"/> or <see cref="PickledObject"/>.
    /// </returns>
    /// <exception cref="CheckpointException">The pickle is damaged, or names something that is not known.</exception>
    internal object? Read(int start = 0)
    {
        Position = start;
        _stack.Clear();
        _marks.Clear();
        _memo.Clear();
        Storages = new(StringComparer.Ordinal);
        while (true)
        {
            int at = Position;
            byte instruction = Byte();
            if (instruction == '.') return _stack.Count == 1 ? Pop() : throw Damaged($"it ends with {_stack.Count} values at byte {at}");
            Do(instruction, at);
        }
    }

    private void Do(byte instruction, int at)
    {
        switch (instruction)
        {
            case 0x80: if (Byte() is var protocol && protocol is < 2 or > 5) throw Damaged(
                $"it follows protocol {protocol}; 2 to 5 are supported"); break;
            case 0x95: Bytes(8); break;
            case (byte)'(':
                budget.ChargeGrowth(_marks.Count, _marks.Capacity, 1, sizeof(int));
                _marks.Add(_stack.Count);
                Push(MarkValue);
                break;
            case (byte)'N': Push(null); break;
            case 0x88: Push(True); break;
            case 0x89: Push(False); break;
            case (byte)'J': PushNumber(BinaryPrimitives.ReadInt32LittleEndian(Bytes(4))); break;
            case (byte)'K': PushNumber(Byte()); break;
            case (byte)'M': PushNumber(BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2))); break;
            case 0x8a: PushNumber(Long(Bytes(Byte()))); break;
            case (byte)'G': Push(BinaryPrimitives.ReadDoubleBigEndian(Bytes(8)), 24); break;
            case (byte)'X' or (byte)'T': Push(Text(Bytes(BinaryPrimitives.ReadInt32LittleEndian(Bytes(4))))); break;
            case 0x8c or (byte)'U': Push(Text(Bytes(Byte()))); break;
            case (byte)'q': Remember(Byte()); break;
            case (byte)'r': Remember(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4))); break;
            case 0x94: Remember(_memo.Count); break;
            case (byte)'h': Push(Remembered(Byte())); break;
            case (byte)'j': Push(Remembered(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4)))); break;
            case (byte)'}': Push(new List<KeyValuePair<object?, object?>>(), 32); break;
            case (byte)']': Push(new List<object?>(), 32); break;
            case (byte)')': Push(Nothing); break;
            case 0x85: Push(new PickledTuple(Last(1)), 24); break;
            case 0x86: Push(new PickledTuple(Last(2)), 24); break;
            case 0x87: Push(new PickledTuple(Last(3)), 24); break;
            case (byte)'t': Push(new PickledTuple(PopToMark()), 24); break;
            case (byte)'s': SetItems(Last(2)); break;
            case (byte)'u': SetItems(PopToMark()); break;
            case (byte)'a': Append(Last(1)); break;
            case (byte)'e': Append(PopToMark()); break;
            case (byte)'c': Push(Global(Line(), Line())); break;
            case 0x93: var names = Last(2); Push(Global(Word(names[0]), Word(names[1]))); break;
            case (byte)'R': var call = Last(2); Push(Call(call[0], call[1])); break;
            case 0x81: var made = Last(2); Push(New(made[0], made[1])); break;
            case (byte)'b': var state = Pop(); Build(Top(), state); break;
            case (byte)'Q': Push(Storage(Pop())); break;
            default: throw Damaged($"it has the instruction 0x{instruction:x2} at byte {at}, which no state dict needs");
        }
    }

    private PickledGlobal Global(string module, string name)
    {
        budget.Charge(48 + 2L * (module.Length + name.Length));
        string full = $"{module}.{name}";
        bool known = Functions.Contains(full) || StorageTypes.ContainsKey(full)
            || (torchScript && (TorchScriptFunctions.Contains(full) || full.StartsWith(ObjectPrefix, StringComparison.Ordinal)));
        return known ? new PickledGlobal(full) : throw new CheckpointException(
            $"{path} asks for Python's \"{Quote.Cut(full)}\", which is no part of a state dict: refused, and nothing of it was run. " +
            "Where the file can be trusted, load it in Python and save its state dict alone: " +
                "safetensors.torch.save_file(model.state_dict(), \"model.safetensors\").");
    }

    private object? Call(object? function, object? arguments)
    {
        if (function is not PickledGlobal { Name: var name } || arguments is not PickledTuple { Items: var items }) throw Damaged(
            "it calls something that is no function");
        switch (name)
        {
            case "collections.OrderedDict" when items.Length == 0:
                budget.Charge(32);
                return new List<KeyValuePair<object?, object?>>();
            case "collections.OrderedDict" when items is [List<object?> pairs]:
                budget.Charge(56 + 16L * pairs.Count);
                var dictionary = new List<KeyValuePair<object?, object?>>(pairs.Count);
                foreach (object? pair in pairs) dictionary.Add(Pair(pair));
                return dictionary;
            case "torch._utils._rebuild_tensor" when items.Length == 4: return Tensor(items);
            case "torch._utils._rebuild_tensor_v2" when items.Length is 6 or 7: return Tensor(items);
            case "torch._utils._rebuild_parameter" when items is [PickledTensor tensor, _, _]: return tensor;
            case "torch.Size" when items is [PickledTuple]: return items[0];
            case "torch.device" when items.Length is 1 or 2: return items[0];
            default:
                if (TorchScriptFunctions.Contains(name) && items.Length is 1 or 2) return items[0];
                throw Damaged($"it calls {Quote.Cut(name)} with {items.Length} arguments that do not fit");
        }

        KeyValuePair<object?, object?> Pair(object? item) => item switch
        {
            PickledTuple { Items: [var key, var value] } => new(key, value),
            List<object?> { Count: 2 } pair => new(pair[0], pair[1]),
            _ => throw Damaged("an ordered dictionary is made from something other than pairs"),
        };
    }

    private PickledObject New(object? type, object? arguments) => type is PickledGlobal { Name: var name }
        && name.StartsWith(ObjectPrefix, StringComparison.Ordinal) && arguments is PickledTuple { Items.Length: 0 }
        ? Made(name)
        : throw Damaged("it makes an object of no known class");

    private PickledObject Made(string type)
    {
        budget.Charge(64);
        return new PickledObject(type);
    }

    private void Build(object? target, object? state)
    {
        switch (target)
        {
            case PickledObject made:
                made.Attributes = state as List<KeyValuePair<object?, object?>>
                    ?? throw new CheckpointException($"{path} keeps an object of {Quote.Cut(made.Type)} in a form of that class's own " +
                        $"(__getstate__), which only its code can read: refused. Save the model's state dict instead.");
                break;
            // A module's _metadata, the versions of its parts, has no use here.
            case List<KeyValuePair<object?, object?>>: break;
            default: throw Damaged("it gives a state to something that has none");
        }
    }

    private PickledStorage Storage(object? id)
    {
        if (id is not PickledTuple { Items: ["storage", PickledGlobal { Name: var name }, string key, _, long count, ..] items }
            || items.Length is not (5 or 6) || count < 0)
            throw Damaged("it refers to something outside that is no storage");
        if (items.Length == 6 && items[5] is not null)
            throw Damaged($"the storage \"{Quote.Cut(key)}\" is a part of another, as PyTorch before 0.4 wrote it; load and save it " +
            $"with a newer PyTorch");
        if (!StorageTypes.TryGetValue(name, out var known))
            throw Damaged($"the storage \"{Quote.Cut(key)}\" is of {Quote.Cut(name)}; {string.Join(", ", StorageTypes.Keys)} are " +
            $"supported");
        budget.Charge(160);
        var storage = new PickledStorage(key, known.Type, known.Size, count);
        if (!Storages.TryAdd(key, storage) && Storages[key] != storage)
            throw Damaged($"it gives its storage \"{Quote.Cut(key)}\" two lengths or element types");
        return storage;
    }

    private PickledTensor Tensor(object?[] items)
    {
        if (items is not [PickledStorage storage, long offset, PickledTuple sides, PickledTuple steps, ..]) throw Damaged(
            "it rebuilds a tensor from something other than a storage, an offset, a shape and strides");
        budget.Charge(400 + 16L * (sides.Items.Length + steps.Items.Length));
        long[] shape = Numbers(sides), strides = Numbers(steps);
        if (shape.Length != strides.Length || shape.Length > MaxRank) throw Damaged(
            $"a tensor has {shape.Length} sides and {strides.Length} strides; the same number, up to {MaxRank}, is needed");
        if (offset < 0 || shape.Any(side => side < 0) || strides.Any(stride => stride < 0)) throw Damaged(
            "a tensor has a negative offset, side or stride");
        Int128 last = offset, count = 1, extent = storage.Size;
        foreach (var (side, stride) in shape.Zip(strides))
        {
            // Sides of 0 count as 1 here: the strides of an empty tensor must not overflow either.
            extent *= Math.Max(side, 1);
            last += (Int128)Math.Max(side - 1, 0) * stride;
            count *= side;
            if (extent > long.MaxValue || last > long.MaxValue)
                throw Damaged($"a tensor of shape ({Quote.Shape(shape)}) is larger than any file");
        }
        if (count > 0 && last >= storage.Count)
            throw Damaged($"a tensor of shape ({Quote.Shape(shape)}) reaches element {last} of the storage " +
                $"\"{Quote.Cut(storage.Key)}\", which has {storage.Count}");
        // An expanded tensor repeats elements; with more of them than the storage holds, a small file could ask for any amount of memory.
        if (count > storage.Count)
            throw Damaged($"a tensor of shape ({Quote.Shape(shape)}) has {count} elements, its storage \"{Quote.Cut(storage.Key)}\" " +
            $"{storage.Count}");
        if (count * storage.Size > int.MaxValue)
            throw Damaged($"a tensor of shape ({Quote.Shape(shape)}) takes {count * storage.Size} bytes; up to {int.MaxValue} are " +
            $"supported");
        return new PickledTensor(storage, offset, shape, strides);

        long[] Numbers(PickledTuple tuple) => [.. tuple.Items.Select(
            item => item is long number ? number : throw Damaged("a tensor's shape or strides hold something other than whole numbers"))];
    }

    private void SetItems(object?[] items)
    {
        if (Top() is not List<KeyValuePair<object?, object?>> dictionary || items.Length % 2 != 0) throw Damaged(
            "it fills a dictionary that is none");
        budget.ChargeGrowth(dictionary.Count, dictionary.Capacity, items.Length / 2, 16);
        dictionary.EnsureCapacity(dictionary.Count + items.Length / 2);
        for (int i = 0; i < items.Length; i += 2) dictionary.Add(new(items[i], items[i + 1]));
    }

    private void Append(object?[] items)
    {
        var list = Top() as List<object?> ?? throw Damaged("it fills a list that is none");
        budget.ChargeGrowth(list.Count, list.Capacity, items.Length, 8);
        list.AddRange(items);
    }

    /// <summary>Puts a value on the stack.</summary>
    /// <param name="value">The value.</param>
    /// <param name="size">The bytes that it takes, if they are not charged yet.</param>
    private void Push(object? value, int size = 0)
    {
        if (size > 0) budget.Charge(size);
        budget.ChargeGrowth(_stack.Count, _stack.Capacity, 1, 8);
        _stack.Add(value);
    }

    private void PushNumber(long value)
    {
        if (value is >= 0 and <= byte.MaxValue) Push(Small[value]);
        else Push(value, 24);
    }

    private void Remember(long index)
    {
        int capacity = _memo.EnsureCapacity(0);
        if (_memo.Count == capacity) budget.Charge(28 * Math.Max(4, 2L * capacity));
        _memo[index] = Top();
    }

    private object? Top() => _stack.Count > 0 && _stack[^1] != MarkValue ? _stack[^1]
        : throw Damaged($"it takes a value that is not there, before byte {Position}");

    private object? Pop()
    {
        object? value = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object?[] Last(int count)
    {
        budget.Charge(24 + 8 * count);
        var values = new object?[count];
        for (int i = count - 1; i >= 0; i--) values[i] = Pop();
        return values;
    }

    private object?[] PopToMark()
    {
        if (_marks.Count == 0) throw Damaged($"it goes back to a mark that is not there, before byte {Position}");
        int mark = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        budget.Charge(24 + 8L * (_stack.Count - mark - 1));
        var values = new object?[_stack.Count - mark - 1];
        _stack.CopyTo(mark + 1, values, 0, values.Length);
        _stack.RemoveRange(mark, _stack.Count - mark);
        return values;
    }

    private object? Remembered(long index) => _memo.TryGetValue(index, out object? value) ? value
        : throw Damaged($"it recalls value {index}, which it never kept");

    private byte Byte() => Bytes(1)[0];

    private ReadOnlySpan<byte> Bytes(int count)
    {
        if (count < 0 || count > data.Length - Position) throw Damaged(
            $"it is cut short: {(uint)count} bytes are wanted at byte {Position} of {data.Length}");
        Position += count;
        return data.AsSpan(Position - count, count);
    }

    private string Line()
    {
        int length = data.AsSpan(Position).IndexOf((byte)'\n');
        if (length < 0) throw Damaged($"a name at byte {Position} has no end");
        string line = Text(Bytes(length));
        Position++;
        return line;
    }

    private string Text(ReadOnlySpan<byte> bytes)
    {
        budget.Charge(32 + 2L * bytes.Length);
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new CheckpointException($"{path} is not a sound PyTorch file: a word before byte {Position} of its pickle is not UTF-8.",
                exception);
        }
    }

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private string Word(object? value) => value as string ?? throw Damaged("it names something by no word");

    private long Long(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 8) throw Damaged($"it has a whole number of {bytes.Length} bytes before byte {Position}; up to 8 are supported");
        long value = 0;
        for (int i = 0; i < bytes.Length; i++) value |= (long)bytes[i] << (8 * i);
        int free = 64 - 8 * bytes.Length;
        return bytes.Length == 0 ? 0 : value << free >> free;
    }

    private CheckpointException Damaged(string reason) => new($"{path} is not a sound PyTorch file: its pickle cannot be read, {reason}. " +
        $"Fetch or write it again.");
}
