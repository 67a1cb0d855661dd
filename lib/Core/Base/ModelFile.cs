namespace ClipNotebooks.Core.Base;

/// <summary>
/// Checks that files can be read: that they are not dangling links, nor pipes or devices, on which a reader would block forever.
/// </summary>
internal static class ModelFile
{
    /// <summary>Whether a file exists; a link counts only if its target exists.</summary>
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

    /// <summary>Throws if a model's file cannot be read; a missing file passes.</summary>
    /// <exception cref="InvalidDataException">It is a pipe or a device, is empty, or is a link that leads nowhere.</exception>
    internal static void RequireReadable(string path)
    {
        if (Fault(path) is { } fault)
            throw new InvalidDataException($"{path} cannot be read: {fault}. Put the file itself there: fetch or copy it again.");
    }

    /// <summary>Why a file cannot be read, in words; null if it can be read, or does not exist.</summary>
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
            // Pipes, sockets and devices have length 0; a model's files are never empty.
            return file.Length == 0 ? "it is empty, or a pipe or a device, which no model is read from" : null;
        }
        catch (IOException exception) when (exception is not FileNotFoundException)
        {
            return $"it is a link that leads back to itself ({Quote.Cut(exception.Message)})";
        }
    }
}
