using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Core.Base;

/// <summary>
/// Files that are there whole or not at all: written beside their place, as <c>NAME.….part</c>, and renamed. A process that is killed
/// leaves the former file and perhaps a part; a failure leaves the former file and nothing else.
/// </summary>
internal static partial class AtomicFile
{
    // Errors of Linux and macOS alike: the call was interrupted; the file system keeps no folders that could be flushed.
    private const int Interrupted = 4, NotSupported = 22;

    /// <summary>Writes what <paramref name="write"/> puts into the stream.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="write">Fills the stream.</param>
    /// <param name="flush">
    /// Whether the content is to lie on the device before it gets its name, so that a power cut leaves no file with a good name and
    /// without content.
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

    /// <summary>Writes what is there after a power cut too: content and name lie on the device.</summary>
    internal static void WriteLasting(string path, Action<Stream> write)
    {
        Write(path, write, flush: true);
        FlushFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Gives the name <paramref name="path"/> to what <paramref name="make"/> makes under the name that it is told.</summary>
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

    /// <summary>Removes what killed processes were writing under names of a form. Not while another process may write there.</summary>
    /// <param name="folder">Need not be there.</param>
    /// <param name="names">The files' form, as <c>train-*.checkpoint</c>.</param>
    internal static void DeleteParts(string folder, string names)
    {
        if (!Directory.Exists(folder)) return;
        foreach (string part in Directory.GetFiles(folder, names + ".*.part").Where(IsPart)) File.Delete(part);
    }

    /// <summary>The name under which something is written before it gets its own.</summary>
    internal static string PartOf(string path) => $"{path}.{Guid.NewGuid():N}.part";

    /// <summary>Whether a name is one of <see cref="PartOf"/>: other programs' downloads end in <c>.part</c> too.</summary>
    internal static bool IsPart(string path) => PartName().IsMatch(path);

    /// <summary>
    /// Makes the names in a folder last: a file's own flush does not speak for its name on Linux and macOS, so that after a power cut a
    /// file that was renamed could be back under its old one. On Windows the file system's journal keeps names, and no folder can be
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

    /// <summary>The fault that led here is told, not a second one.</summary>
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

    // .NET opens no folders.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int readOnly);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
