using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Cli.Service;

/// <summary>
/// The folders whose pictures a program may open. What counts is a file's real path, after every relative part and link is resolved.
/// </summary>
internal sealed class AllowedFolders
{
    private const int MostLinks = 40;

    private readonly string[] _folders;

    /// <exception cref="UserError">One of the folders does not exist.</exception>
    internal AllowedFolders(IEnumerable<string> folders) => _folders =
    [
        .. folders.Select(folder => Directory.Exists(folder) ? Path.TrimEndingDirectorySeparator(Real(Path.GetFullPath(folder)))
            : throw new UserError($"There is no folder {folder} to open pictures in.")),
    ];

    /// <summary>A file's real path. A relative path starts from the first of the folders in which there is such a file.</summary>
    /// <exception cref="UnauthorizedAccessException">
    /// The file is in none of the folders, or does not exist; the message does not say which.
    /// </exception>
    internal string Find(string path)
    {
        if (!path.Contains('\0', StringComparison.Ordinal))
            foreach (string folder in _folders)
                if (Real(Path.GetFullPath(path, folder)) is var real && _folders.Any(each => FolderPath.Holds(each, real))
                    && File.Exists(real))
                    return real;
        throw new UnauthorizedAccessException($"{path} is no picture in the folders that may be opened: " +
            $"{(_folders.Length == 0 ? "there are none" : string.Join(", ", _folders))}. clipbook mcp --images FOLDER adds one.");
    }

    /// <summary>A path with every link in it followed, those of its folders too; empty if there are too many.</summary>
    private static string Real(string path)
    {
        for (int links = 0; links < MostLinks; links++)
        {
            if (FirstLink(path) is not { } link) return path;
            string target = Path.GetFullPath(link.Target, Path.GetDirectoryName(link.Place)!);
            path = Path.GetFullPath(Path.Combine(target, Path.GetRelativePath(link.Place, path)));
        }
        return "";
    }

    private static (string Place, string Target)? FirstLink(string path)
    {
        string place = Path.GetPathRoot(path)!;
        foreach (string part in path[place.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            place = Path.Combine(place, part);
            if (new FileInfo(place).LinkTarget is { } target) return (place, target);
        }
        return null;
    }
}
