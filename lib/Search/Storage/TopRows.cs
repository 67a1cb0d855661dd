namespace ClipNotebooks.Search.Storage;

/// <summary>
/// The best rows seen, at most so many: a binary heap with the worst on top. Of equal scores the earlier row is the better.
/// </summary>
/// <param name="capacity">How many are kept, at least 1.</param>
/// <param name="minimum">Scores below are not kept.</param>
internal sealed class TopRows(int capacity, float minimum)
{
    private readonly PriorityQueue<long, (float Score, long Row)> _heap = new(Comparer<(float Score, long Row)>.Create(
        (x, y) => x.Score != y.Score ? x.Score.CompareTo(y.Score) : y.Row.CompareTo(x.Row)));

    private float _bar = minimum;

    /// <summary>Whether a row would be kept: what is asked for every row, so that all else is asked for few.</summary>
    internal bool Takes(float score) => score >= _bar;

    internal void Add(float score, long row)
    {
        if (_heap.Count < capacity) _heap.Enqueue(row, (score, row));
        else _heap.EnqueueDequeue(row, (score, row));
        if (_heap.Count == capacity && _heap.TryPeek(out _, out var worst)) _bar = Math.Max(_bar, worst.Score);
    }

    internal IEnumerable<(float Score, long Row)> Kept => _heap.UnorderedItems.Select(item => item.Priority);
}
