namespace ClipNotebooks.Search;

/// <summary>
/// Read-only access to the vectors of an index. Each call reads what the index has loaded at that moment, in the order of adding.
/// </summary>
public sealed class IndexEmbeddings
{
    private readonly ImageSearchIndex _index;

    internal IndexEmbeddings(ImageSearchIndex index) => _index = index;

    /// <summary>N, the number of images.</summary>
    public int Count => _index.Count;

    /// <summary>E, the width of a vector.</summary>
    public int Width => _index.Width;

    /// <summary>One image's vector.</summary>
    /// <param name="id">Its name in the index (<see cref="IndexEntry.Id"/>).</param>
    /// <returns>(E) values, L2-normalised.</returns>
    /// <exception cref="KeyNotFoundException">There is no such image.</exception>
    public float[] this[string id] => _index.Embedding(id)
        ?? throw new KeyNotFoundException($"The index in {_index.Folder} has no image \"{id}\".");

    /// <summary>The images' names: the N rows of <see cref="ToArray"/>.</summary>
    public IReadOnlyList<string> Ids => _index.Read(snapshot => snapshot.Entries().Select(pair => pair.Entry.Id).ToArray());

    /// <summary>All images with their vectors of E values, one at a time, as of the moment when the enumeration begins.</summary>
    public IEnumerable<(IndexEntry Entry, float[] Embedding)> All()
    {
        var snapshot = _index.Hold();
        try
        {
            foreach (var (row, entry) in snapshot.Entries()) yield return (_index.Public(entry), snapshot.Vector(row));
        }
        finally
        {
            snapshot.Release();
        }
    }

    /// <summary>All vectors, copied.</summary>
    /// <returns>(N, E) values, row-major; each row is L2-normalised.</returns>
    public float[] ToArray() => _index.Read(snapshot =>
    {
        int width = snapshot.Header.Width;
        var matrix = new float[snapshot.Live * width];
        for (long row = 0, target = 0; row < snapshot.Rows; row++)
            if (!snapshot.IsDead(row)) snapshot.Vector(row).CopyTo(matrix, target++ * width);
        return matrix;
    });
}
