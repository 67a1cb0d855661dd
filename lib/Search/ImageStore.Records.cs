using ClipNotebooks.Search.Rows;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search;

// A store as rows, for records of the caller's own type.
public abstract partial class ImageStore
{
    /// <summary>The rows that a query asks for, in its order.</summary>
    internal abstract Task<IReadOnlyList<Row>> QueryAsync(RowQuery query, CancellationToken cancellationToken);

    /// <summary>Removes rows.</summary>
    /// <returns>How many of them were in the store.</returns>
    internal abstract Task<int> RemoveAsync(IReadOnlyCollection<string> ids, CancellationToken cancellationToken);

    /// <summary>Deletes the store's files or tables.</summary>
    /// <returns>How many rows there were; negative if that is not known.</returns>
    internal abstract Task<int> DeleteAsync(CancellationToken cancellationToken);

    /// <summary>Adds rows under distinct names, or replaces those of the same names, atomically.</summary>
    /// <exception cref="ArgumentException">
    /// A name has a lone surrogate, or a vector has another width, is all zeros or not finite; or there are more numbers than an array
    /// holds, two billion.
    /// </exception>
    internal Task<int> UpsertAsync(IReadOnlyList<(StoredEntry Entry, float[] Vector)> rows, CancellationToken cancellationToken)
    {
        if ((long)rows.Count * Width > Array.MaxLength) throw new ArgumentException($"{rows.Count:N0} vectors of {Width} numbers are " +
            $"more than the {Array.MaxLength / Width:N0} that are stored at once. Give them in parts.", nameof(rows));
        var units = new float[rows.Count * Width];
        foreach (var (i, (entry, vector)) in rows.Index())
        {
            RequireWhole(entry.Id, nameof(rows));
            RequireWhole(entry.Metadata, nameof(rows));
            Unit(vector, nameof(rows)).CopyTo(units, i * Width);
        }
        return CommitAsync(units, [.. rows.Select(row => row.Entry)], cancellationToken);
    }

    /// <summary>As <see cref="Commit"/>.</summary>
    /// <returns>How many rows were stored.</returns>
    private protected abstract Task<int> CommitAsync(float[] vectors, StoredEntry[] entries, CancellationToken cancellationToken);
}
