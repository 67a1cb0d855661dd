namespace ClipNotebooks.Search.Indexing;

/// <summary>The image files of a folder. Links are not followed: what they lead to may lie outside, or above.</summary>
internal sealed class FolderScan
{
    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    /// <summary>Files with one of the endings, sorted by path.</summary>
    internal List<FileInfo> Files { get; } = [];

    /// <summary>Folders that could not be listed.</summary>
    internal List<UnreadableFile> Unreadable { get; } = [];

    /// <param name="folder">Where to look.</param>
    /// <param name="recursive">Whether folders inside count.</param>
    /// <param name="extensions">The endings, with the dot.</param>
    /// <param name="cancellation">Stops.</param>
    /// <param name="accepts">Asked for each file with such an ending; those it refuses are not kept.</param>
    internal static FolderScan Run(string folder, bool recursive, IReadOnlyCollection<string> extensions, CancellationToken cancellation, Func<FileInfo, bool>? accepts = null)
    {
        var scan = new FolderScan();
        var endings = new HashSet<string>(extensions, StringComparer.OrdinalIgnoreCase);
        var waiting = new Stack<DirectoryInfo>([new DirectoryInfo(folder)]);
        while (waiting.TryPop(out var next))
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                foreach (var entry in next.GetFileSystemInfos("*", Everything))
                {
                    if (entry.Attributes.HasFlag(FileAttributes.ReparsePoint) && entry.LinkTarget is not null) continue;
                    if (entry is DirectoryInfo inner && recursive) waiting.Push(inner);
                    if (entry is FileInfo file && endings.Contains(file.Extension) && accepts?.Invoke(file) is null or true) scan.Files.Add(file);
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                scan.Unreadable.Add(new UnreadableFile(next.FullName, $"The folder cannot be listed: {exception.Message}"));
            }
        }
        scan.Files.Sort((x, y) => string.CompareOrdinal(x.FullName, y.FullName));
        return scan;
    }
}
