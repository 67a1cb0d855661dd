namespace ClipNotebooks.Search.Storage;

/// <summary>Finds similar rows by comparing every pair.</summary>
internal static unsafe class DuplicateSearch
{
    /// <summary>Groups of rows, each connected by pairs at least as similar as the threshold; in the order of their first rows.</summary>
    /// <param name="snapshot">Held by the caller.</param>
    /// <param name="threshold">The least score of a pair.</param>
    /// <param name="cancellationToken">Stops between two rows.</param>
    /// <exception cref="InvalidDataException">A stored vector is not finite, so that it would resemble none.</exception>
    internal static List<List<long>> Run(Snapshot snapshot, float threshold, CancellationToken cancellationToken)
    {
        var live = new List<long>();
        for (long row = 0; row < snapshot.Rows; row++)
            if (!snapshot.IsDead(row)) live.Add(row);
        var parent = Enumerable.Range(0, live.Count).ToArray();
        var joining = new Lock();
        // Rows that were rounded to float16 are longer or shorter than 1 by up to 0.0005: their products are divided by their lengths.
        var scale = new float[live.Count];
        for (int i = 0; i < scale.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            scale[i] = 1 / Length(snapshot, live[i]);
        }
        // Tolerance for rounding: a float32 dot product of two equal unit vectors, of width E, is this close to 1.
        float least = threshold - 1e-6f * MathF.Sqrt(snapshot.Header.Width);
        Parallel.For(0, live.Count, new ParallelOptions { CancellationToken = cancellationToken }, i =>
        {
            var product = new DotProduct(snapshot.Vector(live[i]), snapshot.Header.VectorStorage);
            for (int j = i + 1; j < live.Count; j += 2)
            {
                int next = Math.Min(j + 1, live.Count - 1);
                var (score, other) = product.With(snapshot.Row(live[j]), snapshot.Row(live[next]));
                if (score * scale[i] * scale[j] >= least) Join(i, j);
                if (other * scale[i] * scale[next] >= least) Join(i, next);
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

    private static float Length(Snapshot snapshot, long row)
    {
        double square = 0;
        foreach (float value in snapshot.Vector(row)) square += (double)value * value;
        return double.IsFinite(square) ? (float)Math.Sqrt(square) : throw ExactSearch.NonFinite(snapshot, row);
    }
}
