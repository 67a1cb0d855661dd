namespace ClipNotebooks.Cli.Shell;

/// <summary>Finds the folder that holds ClipNotebooks.sln, upwards from the working directory, then from the program.</summary>
internal static class RepositoryRoot
{
    internal static string? TryFind() => Above(Directory.GetCurrentDirectory()) ?? Above(AppContext.BaseDirectory);

    internal static string Find() => TryFind() ?? throw new UserError(
        $"No ClipNotebooks.sln in {Directory.GetCurrentDirectory()} or above it: run clipbook inside the repository, or name the files " +
            $"it should use.",
        ExitCode.Usage);

    private static string? Above(string folder)
    {
        for (DirectoryInfo? at = new(folder); at is not null; at = at.Parent)
            if (File.Exists(Path.Combine(at.FullName, "ClipNotebooks.sln")))
                return at.FullName;
        return null;
    }
}
