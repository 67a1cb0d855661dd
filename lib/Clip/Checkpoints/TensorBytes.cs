using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>A file's bytes as tensors.</summary>
internal static class TensorBytes
{
    /// <summary>Fills a contiguous tensor of the CPU.</summary>
    internal static void Read(this FileBytes file, long offset, Tensor destination)
    {
        if (destination.numel() > 0) file.Read(offset, destination.bytes);
    }
}
