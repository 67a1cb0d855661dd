using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search.Rows;

/// <summary>A query for rows of a store.</summary>
internal sealed record RowQuery
{
    /// <summary>
    /// (E) values, L2-normalised: the nearest rows come first. Null: rows are sorted by <see cref="Order"/>, then by name.
    /// </summary>
    internal float[]? Point { get; init; }

    internal double MinScore { get; init; } = -1;

    internal RowFilter? Filter { get; init; }

    internal IReadOnlyList<(RecordField Field, bool Ascending)> Order { get; init; } = [];

    internal required int Top { get; init; }

    internal int Skip { get; init; }

    internal bool Vectors { get; init; }

    /// <summary>Which of two rows comes first; a missing value comes before any other, and NaN before any number, as in LINQ.</summary>
    internal int Compare(StoredEntry left, StoredEntry right)
    {
        foreach (var (field, ascending) in Order)
        {
            var (one, other) = (field.ComparableIn(left), field.ComparableIn(right));
            int order = (one is null).CompareTo(other is null) is not 0 and var missing ? -missing
                : one is null ? 0 : RowFilter.Compare(one, other);
            if (order != 0) return ascending ? order : -order;
        }
        return string.CompareOrdinal(left.Id, right.Id);
    }
}
