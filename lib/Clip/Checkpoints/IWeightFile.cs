using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Named tensors on disk, whatever the file format.</summary>
internal interface IWeightFile : IDisposable
{
    /// <summary>The file's path, for messages.</summary>
    string Path { get; }

    /// <summary>The paths of all files that it consists of.</summary>
    IEnumerable<string> Files => [Path];

    /// <summary>The tensors' names, in the order of the file.</summary>
    IReadOnlyCollection<string> Names { get; }

    /// <summary>Whether there is a tensor of that name.</summary>
    bool Contains(string name);

    /// <summary>A tensor's shape; empty for a scalar.</summary>
    IReadOnlyList<long> Shape(string name);

    /// <summary>Copies a tensor out of the file.</summary>
    Tensor Read(string name);

    /// <summary>Copies a tensor into one of the same shape, converting its element type where they differ.</summary>
    void ReadInto(string name, Tensor destination);

    /// <summary>Copies a tensor's values, row by row, into as many float32 ones. Of safetensors this needs no libtorch.</summary>
    void ReadInto(string name, Span<float> destination)
    {
        using var scope = NewDisposeScope();
        MemoryMarshal.Cast<byte, float>(Read(name).to(float32).contiguous().bytes).CopyTo(destination);
    }
}
