namespace ClipNotebooks.Search.Postgres;

/// <summary>
/// How pgvector's graph (HNSW) is built and searched. The graph's defaults are pgvector's own, except <see cref="EfSearch"/>.
/// </summary>
public sealed record PgVectorOptions
{
    /// <summary>
    /// Candidates that a search keeps, 1 to 1000: more of them find more of the true neighbours, in more time (the package's README has the
    /// measurements). A search for more results than this keeps as many as it wants, up to 1000.
    /// </summary>
    public int EfSearch { get; init; } = 100;

    /// <summary>Neighbours of a node, 2 to 100; used when the graph is built.</summary>
    public int M { get; init; } = 16;

    /// <summary>
    /// Candidates while a node is inserted, at least 4 and at least twice <see cref="M"/>, at most 1000; used when the graph is built.
    /// </summary>
    public int EfConstruction { get; init; } = 64;

    /// <summary>
    /// Megabytes that the server may use to build the graph of a store that is loaded in one go (its maintenance_work_mem). A graph that
    /// needs more is built many times slower; 100,000 × 512 float32 values need some 300.
    /// </summary>
    public int BuildMegabytes { get; init; } = 1024;

    /// <summary>Every search reads all vectors instead of following the graph: exact, and slow.</summary>
    public bool Exact { get; init; }

    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    internal PgVectorOptions Validated()
    {
        Between(EfSearch, 1, 1000, nameof(EfSearch));
        Between(M, 2, 100, nameof(M));
        Between(EfConstruction, Math.Max(4, 2 * M), 1000, nameof(EfConstruction));
        Between(BuildMegabytes, 1, 2_000_000, nameof(BuildMegabytes));
        return this;
    }

    private static void Between(int value, int least, int most, string name)
    {
        if (value < least || value > most) throw new ArgumentOutOfRangeException(name, value, $"pgvector takes {least} to {most}.");
    }
}
