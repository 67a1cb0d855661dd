using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Models;

/// <summary>Checks before libtorch is called: some of its shape errors end the process.</summary>
internal static class Shapes
{
    /// <summary>Requires a shape; −1 stands for any size.</summary>
    /// <exception cref="ArgumentException">The tensor has another shape; the message has both.</exception>
    internal static void Require(Tensor tensor, string where, string wanted, params ReadOnlySpan<long> sizes)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var shape = tensor.shape;
        bool equal = shape.Length == sizes.Length;
        for (int i = 0; equal && i < sizes.Length; i++) equal = sizes[i] == -1 || sizes[i] == shape[i];
        if (!equal)
            throw new ArgumentException($"{where} takes {wanted} = " +
                $"({string.Join(", ", sizes.ToArray().Select(s => s == -1 ? "any" : $"{s}"))}); it was given {Text(tensor)}.");
    }

    /// <summary>
    /// Requires pixels of the tower's own size or, where positions are interpolated, of any size from one patch up that its stem takes.
    /// </summary>
    /// <exception cref="ArgumentException">The tensor has another shape; the message has both.</exception>
    internal static void RequirePixels(Tensor pixels, VisionConfig config, bool anySize)
    {
        if (!anySize)
        {
            Require(pixels, "The image tower", "(B, 3, R, R)", -1, 3, config.ImageSize, config.ImageSize);
            return;
        }
        Require(pixels, "The image tower", "(B, 3, height, width)", -1, 3, -1, -1);
        if (Math.Min(pixels.shape[2], pixels.shape[3]) < config.PatchSize)
            throw new ArgumentException($"The image tower takes images of at least one patch ({config.PatchSize} pixels) either way; it " +
                $"was given {Text(pixels)}.");
        if (config.NeedsWholeCells && (pixels.shape[2] % config.PatchSize != 0 || pixels.shape[3] % config.PatchSize != 0))
            throw new ArgumentException($"The image tower takes images whose height and width are multiples of {config.PatchSize} " +
                $"pixels, since its stem is {config.Stem}; it was given {Text(pixels)}.");
    }

    internal static string Text(Tensor tensor) => $"({string.Join(", ", tensor.shape)})";
}
