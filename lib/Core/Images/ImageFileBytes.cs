using System.Formats.Tar;

namespace ClipNotebooks.Core.Images;

/// <summary>Reads whole image files. Anything but a regular file is refused without being opened.</summary>
public static class ImageFileBytes
{
    /// <summary>The place of the entry's type in a tar header, and the type of a regular file.</summary>
    private const int TypeAt = 156, RegularFile = '0';

    /// <summary>Reads all bytes of a file.</summary>
    /// <param name="path">The file, or a link to one.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is empty, a folder, a pipe, a socket or a device, a link that leads back to itself, or
    /// longer than an array can be.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Access to it is denied.</exception>
    public static byte[] Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var file = Target(new FileInfo(path));
        // The end of a chain of links is not itself a link.
        if (file.LinkTarget is not null) throw new InvalidDataException($"{path} is a link that leads back to itself, not an image file.");
        if (!file.Exists) throw Directory.Exists(path) ? new InvalidDataException(Missing(path))
            : new FileNotFoundException(Missing(path), path);
        if (file.Length == 0)
        {
            throw new InvalidDataException(IsRegular(file)
                ? $"{path} is not an image: the file is empty."
                : $"{path} is a pipe, a socket or a device, not an image file: it is not read.");
        }
        if (file.Length > Array.MaxLength) throw new InvalidDataException($"{path} has {file.Length:N0} bytes, more than can be read.");
        var bytes = new byte[file.Length];
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>The target of a link; the file itself if it is not a link, or a link that leads back to itself.</summary>
    internal static FileInfo Target(FileInfo file)
    {
        if (!file.Attributes.HasFlag(FileAttributes.ReparsePoint)) return file;
        try
        {
            return file.LinkTarget is not null && file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target ? target : file;
        }
        catch (IOException)
        {
            return file; // a link that leads back to itself
        }
    }

    /// <summary>
    /// Why a file cannot be found, in a sentence. A file whose name is not UTF-8 may exist, but cannot be opened by name.
    /// </summary>
    internal static string Missing(string path) => path.Contains('\ufffd', StringComparison.Ordinal)
        ? $"{path} cannot be opened: its name is not UTF-8. Rename the file."
        : Directory.Exists(path) ? $"{path} is a folder, not an image file."
        : $"There is no image file at {path}.";

    /// <summary>
    /// Whether a file of length 0 is an empty file: pipes, sockets and devices have length 0 too, and opening one may block forever. Of
    /// .NET's own classes, only the writer of tar archives tells them apart.
    /// </summary>
    internal static bool IsRegular(FileInfo file)
    {
        if (file.Length > 0 || OperatingSystem.IsWindows()) return true;
        try
        {
            using var header = new MemoryStream();
            using (var archive = new TarWriter(header, TarEntryFormat.Ustar, leaveOpen: true)) archive.WriteEntry(file.FullName, "file");
            return header.GetBuffer()[TypeAt] == RegularFile;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
