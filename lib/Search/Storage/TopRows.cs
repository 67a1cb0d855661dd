namespace ClipNotebooks.Search.Storage;

/// <summary>The top-k rows seen so far, in a heap with the worst on top. Of equal scores the earlier row is the better.</summary>
/// <param name="capacity">k, at least 1.</param>
/// <param name="minimum">
/// Rows with lower scores are not kept. −1 or less keeps all: rounding may put the score of an exactly opposite row a little below −1.
/// </param>
internal sealed class TopRows(int capacity, float minimum)
{
    private readonly PriorityQueue<long, (float Score, long Row)> _heap = new(Comparer<(float Score, long Row)>.Create(
        (x, y) => x.Score != y.Score ? x.Score.CompareTo(y.Score) : y.Row.CompareTo(x.Row)));

    private float _bar = minimum > -1 ? minimum : float.NegativeInfinity;

    /// <summary>Whether a row of this score would be kept. Checked first for every row, so that costlier checks are made for few.</summary>
    internal bool Takes(float score) => score >= _bar;

    internal void Add(float score, long row)
    {
        if (_heap.Count < capacity) _heap.Enqueue(row, (score, row));
        else _heap.EnqueueDequeue(row, (score, row));
        if (_heap.Count == capacity && _heap.TryPeek(out _, out var worst)) _bar = Math.Max(_bar, worst.Score);
    }

    internal IEnumerable<(float Score, long Row)> Kept => _heap.UnorderedItems.Select(item => item.Priority);
}
