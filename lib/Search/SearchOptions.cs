namespace ClipNotebooks.Search;

/// <summary>Which results a search returns.</summary>
public sealed record SearchOptions
{
    /// <summary>The most results, k; at least 1.</summary>
    public int Top { get; init; } = 10;

    /// <summary>How many of the best results are skipped: with <see cref="Top"/> 10, a value of 10 gives the second page.</summary>
    public int Skip { get; init; }

    /// <summary>The least cosine similarity, −1 to 1; −1 leaves nothing out.</summary>
    public double MinScore { get; init; } = -1;

    /// <summary>
    /// Which images count, by path and metadata; null for all. Called only for images that would be among the best so far, so a filter that
    /// passes many is nearly free. Called from several threads at once.
    /// </summary>
    public Func<IndexEntry, bool>? Filter { get; init; }

    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Top, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(Skip);
        if (double.IsNaN(MinScore)) throw new ArgumentOutOfRangeException(nameof(MinScore), "The least score is not a number.");
    }
}
