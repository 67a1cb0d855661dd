using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Reads a file's bytes into tensors.</summary>
internal static class TensorBytes
{
    /// <summary>Fills a contiguous tensor on the CPU with the file's bytes from <paramref name="offset"/> on.</summary>
    internal static void Read(this FileBytes file, long offset, Tensor destination)
    {
        if (destination.numel() > 0) file.Read(offset, destination.bytes);
    }
}
