using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>A tensor of a file into one that exists, the same for every file format.</summary>
internal static class WeightCopy
{
    /// <param name="destination">A tensor of the same shape, on any device.</param>
    /// <param name="file">Where the tensor is.</param>
    /// <param name="name">What it is called there.</param>
    /// <param name="type">Its element type there.</param>
    /// <param name="fill">Reads the file's bytes straight into the destination; used where they fit as they are.</param>
    /// <exception cref="ArgumentException">The destination has another shape.</exception>
    internal static void Into(Tensor destination, IWeightFile file, string name, ScalarType type, Action fill)
    {
        var shape = file.Shape(name);
        if (!shape.SequenceEqual(destination.shape))
            throw new ArgumentException($"\"{name}\" in {file.Path} is ({string.Join(", ", shape)}); the destination is ({string.Join(", ", destination.shape)}).", nameof(destination));
        if (destination.dtype == type && destination.device_type == DeviceType.CPU && destination.is_contiguous())
        {
            fill();
            return;
        }
        using var scope = NewDisposeScope();
        destination.copy_(file.Read(name));
    }
}
