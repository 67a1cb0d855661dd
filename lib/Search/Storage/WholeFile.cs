using System.Runtime.InteropServices;

namespace ClipNotebooks.Search.Storage;

/// <summary>Files that are there whole or not at all, after a power cut too.</summary>
internal static partial class WholeFile
{
    // Errors of Linux and macOS alike: the call was interrupted; the file system keeps no folders that could be flushed.
    private const int Interrupted = 4, NotSupported = 22;

    /// <summary>Writes beside the place, flushes, renames, and flushes the renaming.</summary>
    /// <exception cref="IOException">The device is full or fails; what was there before stays.</exception>
    internal static void Write(string path, byte[] bytes)
    {
        string beside = path + ".part";
        try
        {
            using (var stream = new FileStream(beside, FileMode.Create, FileAccess.Write))
            {
                stream.Write(bytes);
                stream.Flush(flushToDisk: true);
            }
            File.Move(beside, path, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
        FlushFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>
    /// Makes the names in a folder last: a file's own flush does not speak for its name on Linux and macOS, so that after a power cut a file that was renamed could be back under its old one. On
    /// Windows the file system's journal keeps names, and no folder can be flushed.
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

    // .NET opens no folders.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int readOnly);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
