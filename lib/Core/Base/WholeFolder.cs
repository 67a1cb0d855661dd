namespace ClipNotebooks.Core.Base;

/// <summary>Writes folders atomically: a folder appears complete or not at all.</summary>
internal static class WholeFolder
{
    /// <summary>
    /// Writes into a sibling folder <c>NAME.….part</c>, which is then renamed. Leftovers of killed processes are deleted first.
    /// </summary>
    /// <param name="folder">Must be missing or empty.</param>
    /// <param name="write">Fills the folder that it is given.</param>
    /// <exception cref="IOException">The folder holds something already, or cannot be replaced; nothing has been written then.</exception>
    internal static void Write(string folder, Action<string> write)
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        RefuseTaken(folder);
        var (parent, name) = (Path.GetDirectoryName(folder)!, Path.GetFileName(folder));
        if (Directory.Exists(parent))
            foreach (string left in Directory.GetDirectories(parent, AtomicFile.PartsOf(name)).Where(AtomicFile.IsPart))
                Directory.Delete(left, recursive: true);
        string beside = AtomicFile.PartOf(folder);
        try
        {
            write(beside);
            if (Directory.Exists(folder)) Directory.Delete(folder);
            Directory.Move(beside, folder);
        }
        catch
        {
            if (Directory.Exists(beside)) Directory.Delete(beside, recursive: true);
            throw;
        }
        AtomicFile.FlushFolder(parent);
    }

    /// <summary>
    /// Refuses a folder that <see cref="Write"/> could not put the new one in place of. To be called before long work: an empty folder is
    /// deleted and made again, since that shows at once whether it can be.
    /// </summary>
    /// <exception cref="IOException">The folder holds something, or cannot be replaced.</exception>
    internal static void RefuseTaken(string folder)
    {
        if (!Directory.Exists(folder)) return;
        if (Directory.EnumerateFileSystemEntries(folder).Any())
            throw new IOException($"{folder} holds something already. Name another folder, or delete this one first.");
        try
        {
            Directory.Delete(folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{folder} is empty, but cannot be replaced by a whole folder, perhaps because something is mounted " +
                $"there: {exception.Message} Name a folder inside it.", exception);
        }
        Directory.CreateDirectory(folder);
    }
}
