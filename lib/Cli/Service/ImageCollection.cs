using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Search;

namespace ClipNotebooks.Cli.Service;

/// <summary>
/// The index as the service uses it. Changes that other programs make to it are seen within a second. Pictures that clients add are kept
/// beside it, in files named by a hash of the id and never by the id itself. Thread-safe.
/// </summary>
internal sealed class ImageCollection(ImageStore index, ServiceOptions options)
{
    private static readonly TimeSpan Refreshed = TimeSpan.FromSeconds(1);

    private readonly Lock _changing = new(), _listing = new();
    private long _lookedAt = Stopwatch.GetTimestamp();
    private Listing? _listed;

    internal int Count => index.Count;

    internal IReadOnlyList<SearchResult> Search(SearchQuery query, Func<IndexEntry, bool>? filter, int top, int skip, double minScore,
        CancellationToken token)
    {
        Refresh();
        return index.Search(query, new SearchOptions { Top = top, Skip = skip, MinScore = minScore, Filter = filter }, token);
    }

    /// <summary>Pictures without a query, the last added first; none if the store cannot be read in order.</summary>
    internal IEnumerable<IndexEntry> Newest(Func<IndexEntry, bool>? filter) => Listed().Ids
        .Select(id => index.Find(id)).OfType<IndexEntry>().Where(entry => filter?.Invoke(entry) ?? true);

    internal Facets Facets() => Listed().Facets;

    /// <exception cref="ApiProblem">No picture has this id.</exception>
    internal IndexEntry Find(string id)
    {
        Refresh();
        return index.Find(id) ?? throw ApiProblem.NoSuchImage(id);
    }

    /// <summary>The embedding that the index keeps of a picture.</summary>
    /// <exception cref="ApiProblem">No picture has this id.</exception>
    internal float[] Embedding(string id)
    {
        Refresh();
        return index.Embedding(id) ?? throw ApiProblem.NoSuchImage(id);
    }

    /// <summary>Adds a picture, or replaces the one with its id.</summary>
    /// <returns>Whether one was replaced.</returns>
    /// <exception cref="ApiProblem">The index cannot be written, or does not accept the id or the metadata.</exception>
    internal bool Add(string id, float[] embedding, byte[] picture, IReadOnlyDictionary<string, string> metadata) => Change(() =>
    {
        bool replaced = index.Find(id) is not null;
        void Commit(string _) => index.AddEmbeddings([id], embedding, [metadata]);
        if (UploadOf(id) is not { } place)
        {
            Commit(id);
            return replaced;
        }
        Directory.CreateDirectory(options.Uploads!);
        AtomicFile.Put(place, beside =>
        {
            File.WriteAllBytes(beside, picture);
            Commit(beside);
        });
        return replaced;
    });

    /// <summary>Removes a picture from the index, and its file if a client had added it; other files stay.</summary>
    /// <exception cref="ApiProblem">No picture has this id, or the index cannot be written.</exception>
    internal void Remove(string id)
    {
        Change(() => index.Remove(id) > 0 ? true : throw ApiProblem.NoSuchImage(id));
        if (UploadOf(id) is not { } place || !File.Exists(place)) return;
        try
        {
            File.Delete(place);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new ApiProblem(500, "file-left", "The picture's file could not be deleted",
                $"\"{id}\" is gone from the index, but its file {Path.GetFileName(place)} is still in the folder of uploads: " +
                problem.Message);
        }
    }

    /// <summary>Where a picture's file is; null where none is kept.</summary>
    internal string? FileOf(string id, string? path) => path ?? (UploadOf(id) is { } place && File.Exists(place) ? place : null);

    /// <summary>Opens the file of a picture in the index, and no file that is not a picture.</summary>
    /// <exception cref="ApiProblem">No picture has this id, or it has no file, or none that is still a picture.</exception>
    internal (FileStream Stream, string MediaType) Open(string id)
    {
        string path = FileOf(id, Find(id).Path) ?? throw Gone("it was added without one.");
        FileStream? stream = null;
        try
        {
            var file = ImageFileBytes.Target(new FileInfo(path));
            if (!file.Exists || file.Length == 0 || !ImageFileBytes.IsRegular(file)) throw Gone("its file is gone.");
            stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, FileOptions.Asynchronous);
            var start = new byte[PictureKind.Length];
            int read = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            stream.Position = 0;
            return (stream, PictureKind.Of(start.AsSpan(0, read)) ?? throw Gone("its file is no picture any more."));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ApiProblem)
        {
            stream?.Dispose();
            if (problem is ApiProblem) throw;
            throw Gone("its file cannot be read.");
        }

        ApiProblem Gone(string why) => new(404, "no-picture-kept", "There is no picture to show", $"The index knows \"{id}\", but {why}");
    }

    private string? UploadOf(string id) => options.Uploads is { } folder
        ? Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))) : null;

    private bool Change(Func<bool> change)
    {
        try
        {
            lock (_changing) return change();
        }
        catch (ArgumentException problem)
        {
            throw ApiProblem.Request(problem.Message.Split(" (Parameter")[0]);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new ApiProblem(503, "index", "The index cannot be written", $"{problem.Message} Nothing was changed. Where another " +
                "program writes to the index (clipbook index, another service), end it and try again.")
                { RetryAfter = TimeSpan.FromSeconds(10) };
        }
        finally
        {
            lock (_listing) _listed = null;
        }
    }

    private void Refresh()
    {
        if (index is not ImageSearchIndex folder || Stopwatch.GetElapsedTime(Volatile.Read(ref _lookedAt)) < Refreshed) return;
        Volatile.Write(ref _lookedAt, Stopwatch.GetTimestamp());
        if (folder.Refresh())
            lock (_listing) _listed = null;
    }

    private Listing Listed()
    {
        Refresh();
        lock (_listing)
            return _listed ??= index is ImageSearchIndex folder ? Listing.Of(folder.Embeddings.All().Select(pair => pair.Entry))
                : Listing.Of([]);
    }
}
