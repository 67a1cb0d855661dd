using System.Collections.Concurrent;
using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>The buffers of forwards that have ended, for the next ones. Thread-safe.</summary>
/// <param name="shape">Of the blocks.</param>
/// <param name="inputs">Width of what becomes tokens; 0 where nothing is multiplied for that.</param>
/// <param name="outputs">Width of the embeddings; 0 for none.</param>
internal sealed class BufferPool(BlockShape shape, int inputs, int outputs) : IDisposable
{
    private readonly ConcurrentBag<PackedTransformer.Buffers> _free = [];

    /// <summary>Buffers for sequences that begin at these rows; the last is their end.</summary>
    internal PackedTransformer.Buffers Rent(int[] starts)
    {
        int longest = starts.Zip(starts.Skip(1), (start, end) => end - start).Max();
        while (_free.TryTake(out var buffers))
        {
            if (buffers.Fits(starts[^1], starts.Length - 1, longest)) return buffers;
            buffers.Dispose();
        }
        return new PackedTransformer.Buffers(shape, inputs, outputs, starts[^1], starts.Length - 1, longest);
    }

    internal void Return(PackedTransformer.Buffers buffers) => _free.Add(buffers);

    public void Dispose()
    {
        foreach (var buffers in _free) buffers.Dispose();
    }
}
