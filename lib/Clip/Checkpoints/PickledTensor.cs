using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>A tensor as a pickle describes it: a view of a storage.</summary>
/// <param name="Storage">The storage that holds its elements.</param>
/// <param name="Offset">The position of its first element in the storage, in elements.</param>
/// <param name="Shape">Its shape; empty for a scalar.</param>
/// <param name="Strides">The step along each dimension, in elements.</param>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Shape, long[] Strides);

/// <summary>A block of elements that is stored outside the pickle.</summary>
/// <param name="Key">Its name in the file.</param>
/// <param name="Type">The elements' type.</param>
/// <param name="Size">The size of an element in bytes.</param>
/// <param name="Count">The number of elements.</param>
internal sealed record PickledStorage(string Key, ScalarType Type, int Size, long Count);

/// <summary>The name of a Python function or class that the reader knows.</summary>
internal sealed record PickledGlobal(string Name);

/// <summary>An object of a TorchScript class: its attributes without its code.</summary>
internal sealed class PickledObject(string type)
{
    internal string Type { get; } = type;

    internal List<KeyValuePair<object?, object?>> Attributes { get; set; } = [];
}

/// <summary>A Python tuple.</summary>
internal sealed record PickledTuple(object?[] Items);
