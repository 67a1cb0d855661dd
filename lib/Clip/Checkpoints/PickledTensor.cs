using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>A tensor as a pickle describes it: a window on a storage.</summary>
/// <param name="Storage">Where its elements lie.</param>
/// <param name="Offset">The first one's place there, in elements.</param>
/// <param name="Shape">Its sides.</param>
/// <param name="Strides">The steps along them, in elements.</param>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Shape, long[] Strides);

/// <summary>A run of elements that the pickle itself does not hold.</summary>
/// <param name="Key">Its name in the file.</param>
/// <param name="Type">The elements' type.</param>
/// <param name="Size">The bytes of one.</param>
/// <param name="Count">How many there are.</param>
internal sealed record PickledStorage(string Key, ScalarType Type, int Size, long Count);

/// <summary>A name of something in Python, of those that are understood.</summary>
internal sealed record PickledGlobal(string Name);

/// <summary>An object of a TorchScript class: its attributes, and nothing of what it does.</summary>
internal sealed class PickledObject(string type)
{
    internal string Type { get; } = type;

    internal List<KeyValuePair<object?, object?>> Attributes { get; set; } = [];
}

/// <summary>Several values that do not change.</summary>
internal sealed record PickledTuple(object?[] Items);
