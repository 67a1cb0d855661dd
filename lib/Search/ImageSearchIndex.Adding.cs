using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search;

// The part of the index that changes it.
public sealed partial class ImageSearchIndex
{
    /// <summary>Entries of another index committed at once: a few megabytes of vectors.</summary>
    private const int EntriesPerCommit = 4096;

    /// <inheritdoc/>
    public override int Remove(params IReadOnlyCollection<string> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        if (ids.Count == 0) return 0;
        lock (_writing)
        {
            var writer = Writer();
            var rows = ids.Distinct(StringComparer.Ordinal).Where(_rows!.ContainsKey).Select(id => _rows[id]).ToArray();
            if (rows.Length == 0) return 0;
            writer.Commit(_snapshot, [], [], rows);
            Reload();
            foreach (string id in ids) _rows.Remove(id);
            return rows.Length;
        }
    }

    /// <summary>
    /// Rewrites the files without the rows of images that were removed or replaced; the old files stay valid until the new ones are
    /// complete. Open readers keep the old files until <see cref="Refresh"/>.
    /// </summary>
    /// <exception cref="IOException">Another object writes to this index, or the device is full; the index is then as it was.</exception>
    public void Compact()
    {
        lock (_writing)
        {
            Writer().Compact(Folder, _snapshot);
            Replace(Snapshot.Load(Folder));
            _rows = RowsById();
        }
    }

    /// <summary>The index's writer, which is acquired at the first change and held until the index is disposed.</summary>
    private IndexWriter Writer()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_writer is not null) return _writer;
        _writer = IndexWriter.Open(Folder, _snapshot, out var newest);
        try
        {
            Replace(newest);
            _rows = RowsById();
            if (FullRoot(Options.Root) is { } root && root != newest.Root) CommitRoot(root);
            else NameUnderRoot();
            return _writer;
        }
        catch
        {
            _writer.Dispose();
            _writer = null;
            throw;
        }
    }

    /// <summary>Loads what this object has just committed.</summary>
    private void Reload() => Replace(Snapshot.Load(Folder, _snapshot, isSame: true));

    private Dictionary<string, long> RowsById()
    {
        var rows = new Dictionary<string, long>(checked((int)_snapshot.Live), StringComparer.Ordinal);
        foreach (var (row, entry) in _snapshot.Entries()) rows[entry.Id] = row;
        return rows;
    }

    private protected override void KeepRoot(string folder)
    {
        lock (_writing)
        {
            Writer();
            if (Root is null) CommitRoot(folder);
        }
    }

    private void CommitRoot(string root)
    {
        _writer!.Commit(_snapshot, JournalRecord.OfRoot(root));
        Reload();
        NameUnderRoot();
    }

    /// <summary>
    /// Gives files their names under the root that were added before it was one, and so have absolute names; of a file that is there under
    /// both, the absolute one is removed. It stays where an image from memory has the other name. A crash before the end leaves the rest to
    /// the next writer.
    /// </summary>
    private void NameUnderRoot()
    {
        string[] ids = [.. _rows!.Keys.Where(id => Path.IsPathRooted(id) && IdOf(id) != id)];
        foreach (string[] some in ids.Chunk(EntriesPerCommit))
        {
            var files = some.Where(id => IsFile(id) == true && IsFile(IdOf(id)) != false)
                .Select(id => (Row: _rows[id], Entry: _snapshot.Entry(_rows[id]))).ToArray();
            if (files.Length == 0) continue;
            var renamed = files.Select(file => (file.Row, Entry: file.Entry with { Id = IdOf(file.Entry.Id) }))
                .Where(file => !_rows.ContainsKey(file.Entry.Id)).ToArray();
            long first = _snapshot.Rows;
            _writer!.Commit(_snapshot, [.. renamed.SelectMany(file => _snapshot.Vector(file.Row))],
                [.. renamed.Select(file => file.Entry)], [.. files.Select(file => file.Row)]);
            Reload();
            foreach (var file in files) _rows.Remove(file.Entry.Id);
            for (int i = 0; i < renamed.Length; i++) _rows[renamed[i].Entry.Id] = first + i;
        }

        bool? IsFile(string id) => _rows.TryGetValue(id, out long row) ? _snapshot.Entry(row).IsFile : null;
    }

    /// <inheritdoc/>
    private protected override bool[] Commit(float[] vectors, StoredEntry[] entries)
    {
        lock (_writing)
        {
            var writer = Writer();
            var replaced = entries.Select(entry => _rows!.TryGetValue(entry.Id, out long row) ? row : -1).ToArray();
            long first = _snapshot.Rows;
            writer.Commit(_snapshot, vectors, entries, [.. replaced.Where(row => row >= 0)]);
            Reload();
            for (int i = 0; i < entries.Length; i++) _rows![entries[i].Id] = first + i;
            return [.. replaced.Select(row => row >= 0)];
        }
    }

    /// <inheritdoc/>
    internal override int Load(IEnumerable<(float[] Vector, StoredEntry Entry)> rows, CancellationToken cancellationToken)
    {
        int count = 0;
        foreach (var chunk in rows.Chunk(EntriesPerCommit))
        {
            cancellationToken.ThrowIfCancellationRequested();
            Commit([.. chunk.SelectMany(row => row.Vector)], [.. chunk.Select(row => row.Entry)]);
            count += chunk.Length;
        }
        return count;
    }

    /// <inheritdoc/>
    private protected override void Touch(IReadOnlyCollection<(string Id, long Modified)> files)
    {
        lock (_writing)
        {
            var writer = Writer();
            writer.Commit(_snapshot, JournalRecord.OfTouches(
                [.. files.Where(file => _rows!.ContainsKey(file.Id)).Select(file => (_rows![file.Id], file.Modified))]));
            Reload();
        }
    }

    /// <inheritdoc/>
    private protected override Func<string, StoredEntry?> Recall(IReadOnlyCollection<string> ids) => id =>
    {
        lock (_writing)
        {
            Writer();
            return _rows!.TryGetValue(id, out long row) ? _snapshot.Entry(row) : null;
        }
    };

    /// <inheritdoc/>
    private protected override IReadOnlyList<string> FileIds() =>
        Read(snapshot => snapshot.Entries().Where(pair => pair.Entry.IsFile).Select(pair => pair.Entry.Id).ToArray());
}
