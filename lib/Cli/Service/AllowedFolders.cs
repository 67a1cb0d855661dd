using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Service;

/// <summary>
/// The folders whose pictures a program may open, wherever a path or a link in it leads: what a file really is called is what counts.
/// </summary>
internal sealed class AllowedFolders
{
    private const int MostLinks = 40;

    private readonly string[] _folders;

    /// <exception cref="UserError">One is not there.</exception>
    internal AllowedFolders(IEnumerable<string> folders) => _folders =
    [
        .. folders.Select(folder => Directory.Exists(folder) ? Path.TrimEndingDirectorySeparator(Real(Path.GetFullPath(folder)))
            : throw new UserError($"There is no folder {folder} to open pictures in.")),
    ];

    /// <summary>A file's real path; a relative one begins at the first folder in which it is.</summary>
    /// <exception cref="UnauthorizedAccessException">It is in none of the folders, or not there; which of both is not told.</exception>
    internal string Find(string path)
    {
        if (!path.Contains('\0', StringComparison.Ordinal))
            foreach (string folder in _folders)
                if (Real(Path.GetFullPath(path, folder)) is var real && _folders.Any(each => IsIn(each, real)) && File.Exists(real))
                    return real;
        throw new UnauthorizedAccessException($"{path} is no picture in the folders that may be opened: " +
            $"{(_folders.Length == 0 ? "there are none" : string.Join(", ", _folders))}. clipbook mcp --images FOLDER adds one.");
    }

    private static bool IsIn(string folder, string path) =>
        path.StartsWith(Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    /// <summary>A path with each link in it followed, its folders' too.</summary>
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
