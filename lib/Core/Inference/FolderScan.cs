using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Core.Inference;

/// <summary>
/// The image files of a folder. Hidden files and folders, pipes, sockets and devices are passed over; links to files are followed, links to
/// folders are not, since they may lead to a folder above and so never end.
/// </summary>
internal sealed class FolderScan
{
    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    /// <summary>Files with one of the endings, sorted by path.</summary>
    internal List<FileInfo> Files { get; } = [];

    /// <summary>Folders that could not be listed, and why.</summary>
    internal List<(string Path, string Reason)> Unreadable { get; } = [];

    /// <param name="folder">Where to look.</param>
    /// <param name="recursive">Whether to search subfolders.</param>
    /// <param name="extensions">The endings, with the dot.</param>
    /// <param name="cancellationToken">Stops the scan.</param>
    /// <param name="accepts">Called for each file with such an ending; files that it refuses are left out.</param>
    internal static FolderScan Run(
        string folder, bool recursive, IReadOnlyCollection<string> extensions, CancellationToken cancellationToken, Func<FileInfo,
            bool>? accepts = null)
    {
        var scan = new FolderScan();
        var endings = new HashSet<string>(extensions, StringComparer.OrdinalIgnoreCase);
        var waiting = new Stack<DirectoryInfo>([new DirectoryInfo(folder)]);
        while (waiting.TryPop(out var next))
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                foreach (var entry in next.GetFileSystemInfos("*", Everything))
                {
                    if (entry.Attributes != (FileAttributes)(-1) && entry.Attributes.HasFlag(FileAttributes.Hidden)) continue;
                    if (entry is DirectoryInfo inner)
                    {
                        if (recursive && inner.LinkTarget is null) waiting.Push(inner);
                        continue;
                    }
                    var file = (FileInfo)entry;
                    if (endings.Contains(file.Extension) && accepts?.Invoke(file) is null or true && IsKept(file)) scan.Files.Add(file);
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                bool isNamed = !next.FullName.Contains('\ufffd', StringComparison.Ordinal);
                scan.Unreadable.Add(
                    (next.FullName, $"The folder cannot be listed: {(isNamed ? exception.Message : "its name is not UTF-8.")}"));
            }
        }
        scan.Files.Sort((x, y) => string.CompareOrdinal(x.FullName, y.FullName));
        return scan;
    }

    /// <summary>Keeps regular files, and links whose target is missing, so that reading them reports the reason.</summary>
    private static bool IsKept(FileInfo file)
    {
        var target = ImageFileBytes.Target(file);
        return !target.Exists || ImageFileBytes.IsRegular(target);
    }
}
