namespace ClipNotebooks.Core.Hub;

/// <summary>What the server says about one file of a repository.</summary>
/// <param name="Name">Its name in the repository.</param>
/// <param name="Commit">The commit at which it was requested.</param>
/// <param name="ETag">SHA-256 of a large file's content, Git's blob hash of a small file's.</param>
/// <param name="Size">Bytes.</param>
internal sealed record HubFile(string Name, string Commit, string ETag, long Size);
