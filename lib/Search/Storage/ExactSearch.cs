using System.Runtime.ExceptionServices;

namespace ClipNotebooks.Search.Storage;

/// <summary>One pass over all rows: nothing is approximated.</summary>
internal static unsafe class ExactSearch
{
    /// <summary>Values below which a second thread costs more than it saves.</summary>
    private const long ValuesPerThread = 1 << 20;

    /// <summary>Rows between two looks at the cancellationToken.</summary>
    private const int Block = 4096;

    /// <summary>Says which image has no vector: a library that did not look may have written what a damaged model gave.</summary>
    internal static InvalidDataException NonFinite(Snapshot snapshot, long row) => new(
        $"The vector of \"{snapshot.Entry(row).Id}\" is not finite (NaN or infinity), in row {row} of {snapshot.Header.VectorsName}: " +
        "a damaged model has made it. Remove the image, or index the images again with a sound model.");

    /// <summary>The best rows in order, the best first.</summary>
    /// <param name="snapshot">Held by the caller.</param>
    /// <param name="query">(E), of length 1.</param>
    /// <param name="count">How many, at least 1.</param>
    /// <param name="minimum">The least score.</param>
    /// <param name="filter">Which rows count; asked only of rows that would be among the best so far; from several threads.</param>
    /// <param name="cancellationToken">Stops between two blocks.</param>
    /// <exception cref="InvalidDataException">A row is not finite: it would never be found.</exception>
    internal static List<(float Score, long Row)> Run(
        Snapshot snapshot, float[] query, int count, float minimum, Func<long, bool>? filter, CancellationToken cancellationToken)
    {
        int keep = (int)Math.Clamp(snapshot.Live, 1, count);
        long blocks = (snapshot.Rows + Block - 1) / Block;
        int threads = (int)Math.Clamp(snapshot.Rows * snapshot.Header.Width / ValuesPerThread, 1, Environment.ProcessorCount);
        var product = new DotProduct(query, snapshot.Header.VectorStorage);
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
                // What a filter throws reaches the caller as it was thrown, on one thread as on several.
                ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
            }
        }
        return [.. parts.SelectMany(part => part.Kept).OrderByDescending(kept => kept.Score).ThenBy(kept => kept.Row).Take(keep)];

        // Each thread takes the next block that none has: a thread that is held up holds up one block.
        void Scan(int part)
        {
            var best = parts[part] = new TopRows(keep, minimum);
            for (long block; (block = Interlocked.Increment(ref next)) < blocks;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                // Both halves of the block side by side: memory gives two streams more than one.
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
            if (!float.IsFinite(score) && !snapshot.IsDead(row)) throw NonFinite(snapshot, row);
            if (best.Takes(score) && !snapshot.IsDead(row) && filter?.Invoke(row) != false) best.Add(score, row);
        }
    }
}
