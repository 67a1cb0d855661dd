using System.Formats.Tar;

namespace ClipNotebooks.Core.Images;

/// <summary>Reads image files whole, after a look at what they are: what is no regular file is refused by its name and not
/// opened.</summary>
public static class ImageFileBytes
{
    /// <summary>Where a header says what a tar archive's entry is, and what it says of a regular file.</summary>
    private const int TypeAt = 156, RegularFile = '0';

    /// <summary>All bytes of a file.</summary>
    /// <param name="path">The file, or a link to one.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is empty, a folder, a pipe, a socket or a device, a link that leads back to itself, or
    /// longer than an array can be.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    public static byte[] Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var file = Target(new FileInfo(path));
        // The end of a chain of links is none.
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

    /// <summary>What a link leads to; the file itself where it is none, or where it leads nowhere.</summary>
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

    /// <summary>Why a file is not there: where its name is not UTF-8, it may be, but cannot be asked for.</summary>
    internal static string Missing(string path) => path.Contains('\ufffd', StringComparison.Ordinal)
        ? $"{path} cannot be opened: its name is not UTF-8. Rename the file."
        : Directory.Exists(path) ? $"{path} is a folder, not an image file."
        : $"There is no image file at {path}.";

    /// <summary>
    /// Whether a file of no length is an empty file: pipes, sockets and devices have none either, and opening one may never end. Of what
    /// comes with
    /// .NET only the writer of archives tells them apart.
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
