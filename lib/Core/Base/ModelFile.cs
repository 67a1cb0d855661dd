namespace ClipNotebooks.Core.Base;

/// <summary>
/// Files that may be read: neither links that lead nowhere, nor pipes and devices, which a reader would wait for without end.
/// </summary>
internal static class ModelFile
{
    /// <summary>Whether there is a file; a link counts only where what it leads to is there.</summary>
    internal static bool IsThere(string path)
    {
        try
        {
            return File.Exists(path) && (File.ResolveLinkTarget(path, returnFinalTarget: true) is not { } target
                || File.Exists(target.FullName));
        }
        catch (IOException)
        {
            return false; // links that lead to each other
        }
    }

    /// <summary>Refuses a file of a model that cannot be read; one that is not there passes.</summary>
    /// <exception cref="InvalidDataException">It is a pipe or a device, is empty, or is a link that leads nowhere.</exception>
    internal static void RequireReadable(string path)
    {
        if (Fault(path) is { } fault)
            throw new InvalidDataException($"{path} cannot be read: {fault}. Put the file itself there: fetch or copy it again.");
    }

    /// <summary>What keeps a file from being read, in words; none where it may be read, or where there is none.</summary>
    internal static string? Fault(string path)
    {
        if (!File.Exists(path)) return null;
        try
        {
            var file = new FileInfo(path);
            if (file.ResolveLinkTarget(returnFinalTarget: true) is { } target)
            {
                file = new FileInfo(target.FullName);
                if (!file.Exists) return $"it is a link to {Quote.Cut(target.FullName)}, which is not there";
            }
            // Pipes, sockets and devices have no length; no file of a model is without one.
            return file.Length == 0 ? "it is empty, or a pipe or a device, which no model is read from" : null;
        }
        catch (IOException exception) when (exception is not FileNotFoundException)
        {
            return $"it is a link that leads back to itself ({Quote.Cut(exception.Message)})";
        }
    }
}
