namespace ClipNotebooks.Search.Storage;

/// <summary>Finds similar rows by comparing every pair.</summary>
internal static unsafe class DuplicateSearch
{
    /// <summary>Groups of rows, each connected by pairs at least as similar as the threshold; in the order of their first rows.</summary>
    /// <param name="snapshot">Held by the caller.</param>
    /// <param name="threshold">The least score of a pair.</param>
    /// <param name="cancellationToken">Stops between two rows.</param>
    internal static List<List<long>> Run(Snapshot snapshot, float threshold, CancellationToken cancellationToken)
    {
        var live = new List<long>();
        for (long row = 0; row < snapshot.Rows; row++)
            if (!snapshot.IsDead(row)) live.Add(row);
        var parent = Enumerable.Range(0, live.Count).ToArray();
        var joining = new Lock();
        // Tolerance for rounding: a float32 dot product of two equal unit vectors, of width E, is this close to 1.
        float least = threshold - 1e-6f * MathF.Sqrt(snapshot.Header.Width);
        Parallel.For(0, live.Count, new ParallelOptions { CancellationToken = cancellationToken }, i =>
        {
            var product = new DotProduct(snapshot.Vector(live[i]), snapshot.Header.VectorStorage);
            for (int j = i + 1; j < live.Count; j += 2)
            {
                int next = Math.Min(j + 1, live.Count - 1);
                var (score, other) = product.With(snapshot.Row(live[j]), snapshot.Row(live[next]));
                if (score >= least) Join(i, j);
                if (other >= least) Join(i, next);
            }
        });
        return [.. Enumerable.Range(0, live.Count).GroupBy(Leader).Where(group => group.Count() > 1).OrderBy(group => group.Key)
            .Select(group => group.Select(i => live[i]).ToList())];

        void Join(int i, int j)
        {
            lock (joining) parent[Math.Max(Leader(i), Leader(j))] = Math.Min(Leader(i), Leader(j));
        }

        int Leader(int i)
        {
            while (parent[i] != i) i = parent[i] = parent[parent[i]];
            return i;
        }
    }
}
