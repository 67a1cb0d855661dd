using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Core.Base;

/// <summary>
/// Writes files atomically: the content goes to <c>NAME.….part</c> in the same folder, which is then renamed. A killed process leaves the
/// previous file and perhaps a <c>.part</c> file; an exception leaves only the previous file.
/// </summary>
internal static partial class AtomicFile
{
    // errno values, the same on Linux and macOS: EINTR, the call was interrupted; EINVAL, the file system cannot flush folders.
    private const int Interrupted = 4, NotSupported = 22;

    /// <summary>The bytes that file systems allow a name, 255, less those of what <see cref="PartOf"/> adds.</summary>
    private const int MostNameBytes = 255 - 38;

    /// <summary>Writes what <paramref name="write"/> puts into the stream.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="write">Fills the stream.</param>
    /// <param name="flush">
    /// Whether to flush the content to the device before the renaming, so that a power cut cannot leave a file with its final name and no
    /// content.
    /// </param>
    /// <exception cref="IOException">The device is full, or something else has the file's name.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    internal static void Write(string path, Action<Stream> write, bool flush = false) => Put(path, beside =>
    {
        using var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.ReadWrite);
        write(stream);
        stream.Flush(flush);
    });

    /// <summary>Writes bytes.</summary>
    internal static void Write(string path, ReadOnlyMemory<byte> content) => Write(path, stream => stream.Write(content.Span));

    /// <summary>Writes text as UTF-8 without a byte order mark.</summary>
    internal static void Write(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes a file that survives a power cut: its content and its name are flushed to the device.</summary>
    internal static void WriteLasting(string path, Action<Stream> write)
    {
        Write(path, write, flush: true);
        FlushFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Calls <paramref name="make"/> with a temporary name, and renames the file it made to <paramref name="path"/>.</summary>
    internal static void Put(string path, Action<string> make)
    {
        string beside = PartOf(path);
        try
        {
            make(beside);
            File.Move(beside, path, overwrite: true);
        }
        catch
        {
            TryDelete(beside);
            throw;
        }
    }

    /// <summary>
    /// Deletes the <c>.part</c> files that killed processes left. Must not run while another process may be writing there.
    /// </summary>
    /// <param name="folder">May be missing.</param>
    /// <param name="names">A pattern for the files' final names, such as <c>train-*.checkpoint</c>.</param>
    internal static void DeleteParts(string folder, string names)
    {
        if (!Directory.Exists(folder)) return;
        foreach (string part in Directory.GetFiles(folder, PartsOf(names)).Where(IsPart)) File.Delete(part);
    }

    /// <summary>The name under which something is written before it gets its own.</summary>
    internal static string PartOf(string path)
    {
        string name = Path.GetFileName(path);
        return $"{path[..^name.Length]}{Shortened(name)}.{Guid.NewGuid():N}.part";
    }

    /// <summary>A pattern for the names of <see cref="PartOf"/>, among others, which <see cref="IsPart"/> tells apart.</summary>
    /// <param name="names">A name, or a pattern for names.</param>
    internal static string PartsOf(string names) => Shortened(names) + ".*.part";

    /// <summary>Whether a name is one of <see cref="PartOf"/>: other programs' downloads end in <c>.part</c> too.</summary>
    internal static bool IsPart(string path) => PartName().IsMatch(path);

    /// <summary>
    /// Flushes a folder, so that the names in it survive a power cut. On Linux and macOS, flushing a file does not flush its name: after a
    /// power cut a renamed file could have its old name again. On Windows the file system's journal keeps names, and folders cannot be
    /// flushed.
    /// </summary>
    /// <exception cref="IOException">The folder is not there or cannot be read, or the device fails.</exception>
    internal static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        int descriptor = Open(folder, 0);
        if (descriptor < 0) throw Failure();
        try
        {
            while (Flush(descriptor) != 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (error == NotSupported) return;
                if (error != Interrupted) throw Failure();
            }
        }
        finally
        {
            _ = Close(descriptor);
        }

        IOException Failure() => new($"The folder {folder} cannot be flushed to its device: {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    /// <summary>
    /// A name that has room for the ending of <see cref="PartOf"/>: a long one is cut in its middle, so that a pattern for its beginning
    /// and end still fits.
    /// </summary>
    private static string Shortened(string name)
    {
        int end = name.Length / 2, start = end;
        while (Encoding.UTF8.GetByteCount(name.AsSpan(0, end)) + Encoding.UTF8.GetByteCount(name.AsSpan(start)) > MostNameBytes)
            (end, start) = (Math.Max(0, end - 1), Math.Min(name.Length, start + 1));
        if (start == end) return name;
        // No half of a character (a surrogate without its other) is left at the cut.
        if (end > 0 && char.IsHighSurrogate(name[end - 1])) end--;
        if (start < name.Length && char.IsLowSurrogate(name[start])) start++;
        return name[..end] + name[start..];
    }

    /// <summary>Ignores failures to delete, so that the caller's original exception is the one reported.</summary>
    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    [GeneratedRegex(@"\.[0-9a-f]{32}\.part$")]
    private static partial Regex PartName();

    // .NET cannot open a folder.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int readOnly);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
