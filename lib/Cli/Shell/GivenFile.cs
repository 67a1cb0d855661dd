namespace ClipNotebooks.Cli.Shell;

/// <summary>
/// Reads the files that options name. A file that is not there, or that holds nothing, is wrong usage; what is wrong inside one is not.
/// </summary>
internal static class GivenFile
{
    /// <param name="option">The option, such as --labels.</param>
    /// <param name="path">The file; a pipe is one too.</param>
    /// <param name="holds">What a file of this kind holds, such as "one label a line".</param>
    /// <param name="read">Reads it.</param>
    /// <exception cref="UserError">There is no such file, it is a folder, it is empty, or it cannot be read.</exception>
    /// <exception cref="InvalidDataException">It holds something else.</exception>
    internal static T Read<T>(string option, string path, string holds, Func<string, T> read)
    {
        if (Directory.Exists(path))
            throw new UserError($"{option} {path}: this is a folder; a file with {holds} is needed.", ExitCode.Usage);
        if (!File.Exists(path))
            throw new UserError($"{option} {path}: there is no such file; one with {holds} is needed.", ExitCode.Usage);
        try
        {
            return read(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new UserError($"{option} {path} cannot be read: {problem.Message}", ExitCode.Usage, problem);
        }
        catch (InvalidDataException problem) when (new FileInfo(path).Length == 0)
        {
            throw new UserError($"{option}: {problem.Message}", ExitCode.Usage, problem);
        }
    }
}
