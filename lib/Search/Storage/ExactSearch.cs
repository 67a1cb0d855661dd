using System.Runtime.ExceptionServices;

namespace ClipNotebooks.Search.Storage;

/// <summary>Exact top-k search, in one pass over all rows.</summary>
internal static unsafe class ExactSearch
{
    /// <summary>The least number of values per thread: with fewer, a second thread costs more than it saves.</summary>
    private const long ValuesPerThread = 1 << 20;

    /// <summary>Rows between two checks of the cancellation token.</summary>
    private const int Block = 4096;

    /// <summary>
    /// No unit vector's score in float16 is greater than this. NaN and infinity are read as numbers of 65,536 and more
    /// (<see cref="DotProduct"/>), so that a row which has one is recognised by its score.
    /// </summary>
    private const float MostInFloat16 = 1.01f;

    /// <summary>
    /// The error for a stored vector that is not finite, naming its image. A library version that did not check may have stored what a
    /// damaged model gave.
    /// </summary>
    internal static InvalidDataException NonFinite(Snapshot snapshot, long row) => new(
        $"The vector of \"{snapshot.Entry(row).Id}\" is not finite (NaN or infinity), in row {row} of {snapshot.Header.VectorsName}: " +
        "a damaged model has made it. Remove the image, or index the images again with a sound model.");

    /// <summary>The k rows most similar to a query, the best first.</summary>
    /// <param name="snapshot">Held by the caller.</param>
    /// <param name="query">(E) values, L2-normalised.</param>
    /// <param name="count">k, at least 1.</param>
    /// <param name="minimum">The least score.</param>
    /// <param name="filter">Which rows count; called only for rows that would be among the best so far, from several threads.</param>
    /// <param name="cancellationToken">Stops between two blocks.</param>
    /// <exception cref="InvalidDataException">A stored vector is not finite, so that its row would never be found.</exception>
    internal static List<(float Score, long Row)> Run(
        Snapshot snapshot, float[] query, int count, float minimum, Func<long, bool>? filter, CancellationToken cancellationToken)
    {
        int keep = (int)Math.Clamp(snapshot.Live, 1, count);
        long blocks = (snapshot.Rows + Block - 1) / Block;
        int threads = (int)Math.Clamp(snapshot.Rows * snapshot.Header.Width / ValuesPerThread, 1, Environment.ProcessorCount);
        var product = new DotProduct(query, snapshot.Header.VectorStorage);
        float most = snapshot.Header.VectorStorage == VectorStorage.Float16 ? MostInFloat16 : float.MaxValue;
        var parts = new TopRows[threads];
        long next = -1;
        if (threads == 1) Scan(0);
        else
        {
            try
            {
                Parallel.For(0, threads,
                    new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken }, Scan);
            }
            catch (AggregateException exception)
            {
                // A filter's exception reaches the caller as it was thrown, with several threads as with one.
                ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
            }
        }
        // A row that was rounded to float16 is longer or shorter than 1 by up to 0.0005.
        return [.. parts.SelectMany(part => part.Kept).OrderByDescending(kept => kept.Score).ThenBy(kept => kept.Row).Take(keep)
            .Select(kept => (Math.Clamp(kept.Score, -1, 1), kept.Row))];

        // Each thread takes the next free block, so that a delayed thread delays one block only.
        void Scan(int part)
        {
            var best = parts[part] = new TopRows(keep, minimum);
            for (long block; (block = Interlocked.Increment(ref next)) < blocks;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                // Reads both halves of the block side by side: memory delivers two streams faster than one.
                long start = block * Block, end = Math.Min(snapshot.Rows, start + Block), middle = (start + end + 1) / 2;
                for (long row = start, across = middle; row < middle; row++, across++)
                {
                    bool both = across < end; // the last row of an odd number has none
                    var (score, other) = product.With(snapshot.Row(row), snapshot.Row(both ? across : row));
                    Offer(best, score, row);
                    if (both) Offer(best, other, across);
                }
            }
        }

        void Offer(TopRows best, float score, long row)
        {
            if (!(MathF.Abs(score) <= most) && !snapshot.IsDead(row)) throw NonFinite(snapshot, row);
            if (best.Takes(score) && !snapshot.IsDead(row) && filter?.Invoke(row) != false) best.Add(score, row);
        }
    }
}
