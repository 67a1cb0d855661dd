using System.Buffers.Binary;
using System.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>
/// Writes pickles of tensors as PyTorch's <c>torch.save</c> does (protocol 2; torch/_utils.py and torch/serialization.py say which
/// functions and which arguments), apart from the library's reader.
/// </summary>
internal sealed class PickleWriter
{
    private readonly List<byte> _bytes = [];
    private readonly Dictionary<string, int> _keys = [];

    /// <summary>The storages in the order of their keys: the bytes, and how many elements they are.</summary>
    internal List<(byte[] Bytes, long Count)> Storages { get; } = [];

    internal byte[] ToArray() => [.. _bytes];

    internal PickleWriter Raw(params byte[] bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    internal PickleWriter Raw(string ascii) => Raw(Encoding.ASCII.GetBytes(ascii));

    /// <summary>Characters as bytes of the same number, many times.</summary>
    internal PickleWriter Repeat(string latin, int times)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(latin);
        for (int i = 0; i < times; i++) _bytes.AddRange(bytes);
        return this;
    }

    internal PickleWriter Start() => Raw(0x80, 2);

    internal PickleWriter Stop() => Raw(".");

    internal PickleWriter Global(string module, string name) => Raw($"c{module}\n{name}\n");

    internal PickleWriter Word(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text), length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, utf8.Length);
        return Raw("X").Raw(length).Raw(utf8);
    }

    /// <summary>In the shortest of the forms that pickle has.</summary>
    internal PickleWriter Number(long value)
    {
        var eight = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(eight, value);
        return value switch
        {
            >= 0 and <= byte.MaxValue => Raw("K").Raw(eight[..1]),
            >= 0 and <= ushort.MaxValue => Raw("M").Raw(eight[..2]),
            >= int.MinValue and <= int.MaxValue => Raw("J").Raw(eight[..4]),
            _ => Raw(0x8a, 8).Raw(eight),
        };
    }

    internal PickleWriter Numbers(IEnumerable<long> values)
    {
        Raw("(");
        foreach (long value in values) Number(value);
        return Raw("t");
    }

    /// <summary>An ordered dictionary; the first time under its name, afterwards from the memo, as Python's pickler writes it.</summary>
    internal PickleWriter Ordered() => Global("collections", "OrderedDict").Raw("q").Raw(1).Raw(")R");

    /// <summary>A window on a storage, which is written once for all windows with the same name.</summary>
    internal PickleWriter Tensor(string storage, Tensor content, long[]? shape = null, long[]? strides = null, long offset = 0,
        long? count = null, bool legacy = false, string? type = null)
    {
        if (!_keys.TryGetValue(storage, out int key))
        {
            _keys[storage] = key = Storages.Count;
            using var flat = content.contiguous();
            Storages.Add((flat.bytes.ToArray(), content.numel()));
        }
        string name = content.dtype switch
        {
            ScalarType.Float64 => "Double",
            ScalarType.Float16 => "Half",
            ScalarType.BFloat16 => "BFloat16",
            ScalarType.Int64 => "Long",
            ScalarType.Int32 => "Int",
            ScalarType.Int16 => "Short",
            ScalarType.Int8 => "Char",
            ScalarType.Byte => "Byte",
            ScalarType.Bool => "Bool",
            _ => "Float",
        };
        Global("torch._utils", "_rebuild_tensor_v2").Raw("((").Word("storage").Global("torch", type ?? name + "Storage").Word($"{key}")
            .Word("cpu").Number(count ?? content.numel());
        if (legacy) Raw("N");
        return Raw("tQ").Number(offset).Numbers(shape ?? content.shape).Numbers(strides ?? content.stride()).Raw(0x89).Ordered().Raw("tR");
    }

    /// <summary>A whole state dict, with the notes that a module's state dict carries.</summary>
    internal PickleWriter StateDict(IEnumerable<KeyValuePair<string, Tensor>> tensors, bool legacy = false)
    {
        Ordered().Raw("q").Raw(0).Raw("(");
        foreach (var (name, tensor) in tensors) Word(name).Tensor(name, tensor, strides: RowMajor(tensor.shape), legacy: legacy);
        return Raw("u}").Word("_metadata").Ordered().Raw("(").Word("").Raw("}").Word("version").Number(1).Raw("susb");
    }

    private static long[] RowMajor(long[] shape)
    {
        var strides = new long[shape.Length];
        for (long axis = shape.Length - 1, step = 1; axis >= 0; axis--)
        {
            strides[axis] = step;
            step *= Math.Max(shape[axis], 1);
        }
        return strides;
    }
}
