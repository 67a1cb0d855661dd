using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Keeps the memory that reading a file takes in proportion to the file: each allocation for its content is charged beforehand and refused
/// if the sum would exceed 32 MB plus 16 times the file's length. (A pickle can recall a list with two bytes and have it copied with a
/// third.)
/// </summary>
/// <param name="path">The file, for messages.</param>
/// <param name="length">Its length in bytes.</param>
internal sealed class MemoryBudget(string path, long length)
{
    private const long Factor = 16, Least = 32_000_000;

    private readonly long _most = Least + Factor * length;
    private long _spent;

    /// <exception cref="CheckpointException">The sum would exceed the budget.</exception>
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

    /// <summary>
    /// Charges what a list of <paramref name="count"/> items allocates to hold <paramref name="more"/> of them, if it has to grow.
    /// </summary>
    internal void ChargeGrowth(int count, int capacity, int more, int itemSize)
    {
        if (count + more > capacity) Charge(24 + (long)itemSize * Math.Max(Math.Max(4, 2L * capacity), count + more));
    }
}
