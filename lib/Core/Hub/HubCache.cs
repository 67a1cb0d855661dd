using System.Security.Cryptography;
using System.Text;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Hub;

/// <summary>
/// One repository in the cache folder, laid out as <c>huggingface_hub</c> does: <c>blobs/</c> has the contents by their hash,
/// <c>snapshots/COMMIT/</c> links to them under the files' names, <c>refs/REVISION</c> holds the commit of a branch or tag.
/// </summary>
internal sealed class HubCache(string cacheFolder, string id)
{
    private readonly string _folder = Path.Combine(cacheFolder, "models--" + id.Replace("/", "--", StringComparison.Ordinal));

    internal string Blob(string etag) => Path.Combine(_folder, "blobs", etag);

    internal string Snapshot(string commit) => Path.Combine(_folder, "snapshots", commit);

    /// <returns>The snapshot of a branch, tag or commit that is in the cache; null where there is none.</returns>
    internal string? Find(string revision)
    {
        string reference = Path.Combine(_folder, "refs", revision);
        string commit = File.Exists(reference) ? File.ReadAllText(reference).Trim() : revision;
        return Directory.Exists(Snapshot(commit)) ? Snapshot(commit) : null;
    }

    internal void Refer(string revision, string commit)
    {
        if (revision == commit) return;
        string reference = Path.Combine(_folder, "refs", revision);
        Directory.CreateDirectory(Path.GetDirectoryName(reference)!);
        AtomicFile.Write(reference, commit);
    }

    /// <summary>Puts a blob into a snapshot: as a link, or as a copy if the system allows no links.</summary>
    internal string Link(HubFile file)
    {
        string path = Path.Combine(Snapshot(file.Commit), file.Name), blob = Blob(file.ETag);
        if (ModelFile.IsThere(path)) return path;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Put(path, beside =>
        {
            try
            {
                File.CreateSymbolicLink(beside, Path.GetRelativePath(Path.GetDirectoryName(path)!, blob));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
            {
                File.Copy(blob, beside, overwrite: true);
            }
        });
        return path;
    }

    /// <summary>Waits until no other process is fetching the blob, and locks it. On Unix this is the lock that Python takes.</summary>
    internal async Task<IDisposable> LockAsync(string etag, CancellationToken cancellationToken)
    {
        string path = Path.Combine(cacheFolder, ".locks", Path.GetFileName(_folder), etag + ".lock");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                await Task.Delay(100, cancellationToken);
            }
        }
    }

    /// <summary>Whether a file's content has the expected size and hash; the hash is the file's name in the cache.</summary>
    internal static async Task<bool> IsSoundAsync(string path, HubFile file, CancellationToken cancellationToken)
    {
        await using var content = File.OpenRead(path);
        if (content.Length != file.Size) return false;
        bool large = file.ETag.Length == 64;
        if (!large && file.ETag.Length != 40) return true;
        // Git hashes small files with SHA-1: an identifier here, not a protection.
        using var hash = IncrementalHash.CreateHash(large ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        if (!large) hash.AppendData(Encoding.ASCII.GetBytes($"blob {file.Size}\0"));
        byte[] buffer = new byte[1 << 20];
        for (int read; (read = await content.ReadAsync(buffer, cancellationToken)) > 0;) hash.AppendData(buffer, 0, read);
        return Convert.ToHexStringLower(hash.GetHashAndReset()) .Equals(file.ETag, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether a snapshot's file exists, with the content whose hash is the name of its blob.</summary>
    internal static async Task<bool> IsSoundAsync(string path, CancellationToken cancellationToken)
    {
        if (!ModelFile.IsThere(path)) return false;
        if (File.ResolveLinkTarget(path, returnFinalTarget: true) is not { } blob) return true; // a copy, whose hash nothing tells
        return await IsSoundAsync(
            blob.FullName, new HubFile(Path.GetFileName(path), "", blob.Name, new FileInfo(blob.FullName).Length), cancellationToken);
    }

    /// <summary>Deletes a file with wrong content, so that it is fetched again.</summary>
    internal static void Forget(string path)
    {
        if (File.ResolveLinkTarget(path, returnFinalTarget: true) is { } blob) File.Delete(blob.FullName);
        File.Delete(path);
    }
}
