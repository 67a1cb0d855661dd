using ClipNotebooks.Core.Base;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Copies a tensor of a file into an existing one, for every file format.</summary>
internal static class WeightCopy
{
    /// <param name="destination">A tensor of the same shape, on any device.</param>
    /// <param name="file">The file with the tensor.</param>
    /// <param name="name">What it is called there.</param>
    /// <param name="type">Its element type there.</param>
    /// <param name="fill">Reads the file's bytes straight into the destination; used where they need no conversion.</param>
    /// <exception cref="ArgumentException">The destination has another shape.</exception>
    internal static void Into(Tensor destination, IWeightFile file, string name, ScalarType type, Action fill)
    {
        var shape = file.Shape(name);
        if (!shape.SequenceEqual(destination.shape) && !IsOneNumber(shape, destination.shape))
            throw new ArgumentException($"\"{Quote.Cut(name)}\" in {file.Path} is ({Quote.Shape(shape)}); the destination is " +
                $"({string.Join(", ", destination.shape)}).", nameof(destination));
        if (destination.dtype == type && destination.device_type == DeviceType.CPU && destination.is_contiguous())
        {
            fill();
            return;
        }
        using var scope = NewDisposeScope();
        destination.copy_(file.Read(name).reshape(destination.shape));
    }

    /// <summary>Whether each of two shapes, () or (1), holds one number: checkpoints store <c>logit_scale</c> either way.</summary>
    internal static bool IsOneNumber(IReadOnlyList<long> shape, IReadOnlyList<long> other) =>
        shape.Count <= 1 && other.Count <= 1 && shape.All(side => side == 1) && other.All(side => side == 1);
}
