namespace ClipNotebooks.Core.Base;

/// <summary>Writes folders atomically: a folder appears complete or not at all.</summary>
internal static class WholeFolder
{
    /// <summary>
    /// Writes into a sibling folder <c>NAME.….part</c>, which is then renamed. Leftovers of killed processes are deleted first.
    /// </summary>
    /// <param name="folder">Must be missing or empty.</param>
    /// <param name="write">Fills the folder that it is given.</param>
    /// <exception cref="IOException">The folder holds something already.</exception>
    internal static void Write(string folder, Action<string> write)
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        RefuseTaken(folder);
        var (parent, name) = (Path.GetDirectoryName(folder)!, Path.GetFileName(folder));
        if (Directory.Exists(parent))
            foreach (string left in Directory.GetDirectories(parent, name + ".*.part").Where(AtomicFile.IsPart))
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

    /// <exception cref="IOException">The folder holds something.</exception>
    internal static void RefuseTaken(string folder)
    {
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new IOException($"{folder} holds something already. Name another folder, or delete this one first.");
    }
}
