using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Hub;

/// <summary>
/// Reads a file's bytes with a single copy, from the page cache straight to where they are needed. A memory map would save no copy, and
/// would crash this process if another one truncated the file. Thread-safe.
/// </summary>
internal sealed class FileBytes : IDisposable
{
    private readonly string _path;
    private readonly FileStream _file;

    private FileBytes(string path, FileStream file) => (_path, _file, Length) = (path, file, file.Length);

    internal long Length { get; }

    /// <exception cref="CheckpointException">The file is a pipe or a device, is empty, or is a link that leads nowhere.</exception>
    internal static FileBytes Open(string path)
    {
        if (ModelFile.Fault(path) is { } fault)
            throw new CheckpointException($"{path} cannot be read: {fault}. Put the file itself there: fetch or copy it again.");
        return new(path, new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0));
    }

    /// <summary>What a file seems to be instead of weights; null if it may be weights.</summary>
    internal string? Nature()
    {
        Span<byte> first = stackalloc byte[(int)Math.Min(Length, 16)];
        Read(0, first);
        return first.StartsWith("version http"u8) ? "it is a Git LFS pointer, which stands for the file that \"git lfs pull\" fetches"
            : first.TrimStart(" \r\n\t"u8).StartsWith("<!"u8) || first.TrimStart(" \r\n\t"u8).StartsWith("<html"u8)
                ? "it is a web page, perhaps one that asks for a login"
            : null;
    }

    /// <summary>Fills the span with the bytes from <paramref name="offset"/> on.</summary>
    /// <exception cref="CheckpointException">The file has become shorter since it was opened.</exception>
    internal void Read(long offset, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int read = RandomAccess.Read(_file.SafeFileHandle, destination, offset);
            if (read == 0) throw new CheckpointException($"{_path} ended at byte {offset} while it was read; it had {Length} bytes when " +
                $"it was opened. Fetch or write it again.");
            destination = destination[read..];
            offset += read;
        }
    }

    public void Dispose() => _file.Dispose();
}
