using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>One tensor of a PyTorch file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape; empty for a scalar.</param>
/// <param name="Strides">The step along each dimension in the storage, in elements.</param>
/// <param name="Offset">The byte offset of its first element in the file.</param>
public sealed record StateDictEntry(string Name, ScalarType Type, IReadOnlyList<long> Shape, IReadOnlyList<long> Strides, long Offset);
