using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Keeps the memory that reading a file takes in proportion to the file: whatever is allocated for its content is charged, and what
/// would go beyond 16 times its length and 32 MB is refused before. (A pickle can recall a list by two bytes and have it copied by a
/// third.)
/// </summary>
/// <param name="path">The file, for messages.</param>
/// <param name="length">Its length in bytes.</param>
internal sealed class MemoryBudget(string path, long length)
{
    private const long Factor = 16, Least = 32_000_000;

    private readonly long _most = Least + Factor * length;
    private long _spent;

    /// <exception cref="CheckpointException">It would be too much.</exception>
    internal void Charge(long bytes)
    {
        _spent += bytes;
        if (_spent > _most)
        {
            throw new CheckpointException(
                $"{path} has {length:N0} bytes and asks for more than {_most:N0} bytes of memory before a tensor is read: it repeats " +
                "itself as no state dict does, and is refused. Fetch it again from a source that you trust.");
        }
    }

    /// <summary>What a list of <paramref name="count"/> items takes for <paramref name="more"/> of them, where it has to grow.</summary>
    internal void ChargeGrowth(int count, int capacity, int more, int itemSize)
    {
        if (count + more > capacity) Charge(24 + (long)itemSize * Math.Max(Math.Max(4, 2L * capacity), count + more));
    }
}
