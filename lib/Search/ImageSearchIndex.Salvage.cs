using ClipNotebooks.Core.Base;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search;

// The part of the index that recovers a damaged one.
public sealed partial class ImageSearchIndex
{
    /// <summary>
    /// Copies the intact part of a damaged index into a new one; the damaged one is not changed. A commit whose record is broken, or whose
    /// vectors are not those that were written, is left out: images that it added are missing, and images that it removed or replaced may
    /// be there again.
    /// </summary>
    /// <param name="folder">The damaged index.</param>
    /// <param name="into">The new index's folder; it appears once it is complete.</param>
    /// <param name="cancellationToken">Stops; no new index is left.</param>
    /// <returns>Descriptions of what is lost; empty if nothing is.</returns>
    /// <exception cref="FileNotFoundException">The folder holds no index.</exception>
    /// <exception cref="InvalidDataException">The journal's first bytes or header are broken, so that nothing can be kept.</exception>
    /// <exception cref="IOException"><paramref name="into"/> holds something already, or cannot be written.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public static IReadOnlyList<string> Salvage(string folder, string into, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrEmpty(into);
        folder = Path.GetFullPath(folder);
        var lost = new List<string>();
        using var snapshot = Snapshot.Load(folder, lost: lost);
        var header = snapshot.Header;
        var options = new IndexOptions { Storage = header.VectorStorage, Root = snapshot.Root };
        WholeFolder.Write(into, beside =>
        {
            using var index = Create(beside, header.Width, header.Model, header.ModelSummary, null, options);
            index.Load(Whole(snapshot, lost), cancellationToken);
        });
        return lost;
    }

    /// <summary>The intact rows; of several with the same name, the last.</summary>
    private static IEnumerable<(float[] Vector, StoredEntry Entry)> Whole(Snapshot snapshot, List<string> lost)
    {
        var last = new Dictionary<string, (long Row, StoredEntry Entry)>(StringComparer.Ordinal);
        foreach (var batch in snapshot.Batches)
        {
            bool sound = snapshot.IsSound(batch);
            int left = 0;
            for (long row = batch.FirstRow; row < batch.FirstRow + batch.Count; row++)
            {
                if (snapshot.IsDead(row)) continue;
                if (!sound) left++;
                else if (EntryOrNull(snapshot, row) is { } entry) last[entry.Id] = (row, entry);
                else lost.Add($"{Snapshot.JournalName}: the entry of row {row}");
            }
            if (left == 0) continue;
            string what = $"{left:N0} images from row {batch.FirstRow} on, whose vectors are not those that were written";
            lost.Add($"{snapshot.Header.VectorsName}: {what}");
        }
        return last.Values.OrderBy(kept => kept.Row).Select(kept => (snapshot.Vector(kept.Row), kept.Entry));
    }

    private static StoredEntry? EntryOrNull(Snapshot snapshot, long row)
    {
        try
        {
            return snapshot.Entry(row);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
