namespace ClipNotebooks.Core.Base;

/// <summary>What lies in a folder, by the names alone.</summary>
internal static class FolderPath
{
    /// <summary>Whether a path begins with a folder's, at any depth below it; both are full.</summary>
    internal static bool Holds(string folder, string path) =>
        path.StartsWith(Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
