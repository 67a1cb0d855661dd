using ClipNotebooks.Search.Rows;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search;

// The index as records. Its files are memory-mapped, so the asynchronous methods compute, on the thread pool.
public sealed partial class ImageSearchIndex
{
    /// <inheritdoc/>
    internal override Task<IReadOnlyList<Row>> QueryAsync(RowQuery query, CancellationToken cancellationToken) => Task.Run(() =>
        Read<IReadOnlyList<Row>>(snapshot => query.Point is { } point ? Nearest(snapshot, point, query, cancellationToken)
            : Listed(snapshot, query, cancellationToken)), cancellationToken);

    /// <inheritdoc/>
    internal override Task<int> RemoveAsync(IReadOnlyCollection<string> ids, CancellationToken cancellationToken) =>
        Task.Run(() => Remove(ids), cancellationToken);

    /// <inheritdoc/>
    internal override Task<int> DeleteAsync(CancellationToken cancellationToken) => Task.Run(() =>
    {
        lock (_writing)
        {
            Writer();
            int count = Count;
            string[] files = [Snapshot.JournalName, _snapshot.Header.VectorsName, IndexWriter.LockName];
            Dispose();
            // The journal first: it makes the folder an index.
            foreach (string file in files) File.Delete(Path.Combine(Folder, file));
            if (!Directory.EnumerateFileSystemEntries(Folder).Any()) Directory.Delete(Folder);
            return count;
        }
    }, cancellationToken);

    /// <inheritdoc/>
    private protected override Task<int> CommitAsync(float[] vectors, StoredEntry[] entries, CancellationToken cancellationToken) =>
        Task.Run(() => Commit(vectors, entries).Length, cancellationToken);

    private static Row[] Nearest(Snapshot snapshot, float[] point, RowQuery query, CancellationToken cancellationToken) =>
    [
        .. Nearest(snapshot, point, (query.Skip, query.Top), query.MinScore, query.Filter is { } asked ? asked.Passes : null,
            cancellationToken)
            .Select(hit => new Row(snapshot.Entry(hit.Row), query.Vectors ? snapshot.Vector(hit.Row) : null, hit.Score)),
    ];

    private static Row[] Listed(Snapshot snapshot, RowQuery query, CancellationToken cancellationToken)
    {
        var passing = new List<(long Row, StoredEntry Entry)>();
        foreach (var pair in snapshot.Entries())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (query.Filter?.Passes(pair.Entry) != false) passing.Add(pair);
        }
        var sorted = passing.Order(Comparer<(long Row, StoredEntry Entry)>.Create((x, y) => query.Compare(x.Entry, y.Entry)));
        return [.. sorted.Skip(query.Skip).Take(query.Top)
            .Select(pair => new Row(pair.Entry, query.Vectors ? snapshot.Vector(pair.Row) : null, 0))];
    }
}
