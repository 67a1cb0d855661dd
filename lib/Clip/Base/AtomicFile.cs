namespace ClipNotebooks.Clip.Base;

/// <summary>
/// Files that are there whole or not at all: written beside their place, as <c>NAME.….part</c>, and renamed. A process that is killed
/// leaves the former file and perhaps a part; a failure leaves the former file alone.
/// </summary>
internal static class AtomicFile
{
    /// <summary>Writes what <paramref name="write"/> puts into the stream.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="write">Fills the stream.</param>
    /// <param name="flush">
    /// Whether the content is to lie on the device before it gets its name, so that a power cut leaves no file with a good name and
    /// without content.
    /// </param>
    /// <exception cref="IOException">The device is full, or the file's place cannot be written.</exception>
    internal static void Write(string path, Action<Stream> write, bool flush = false)
    {
        string beside = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            using (var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.ReadWrite))
            {
                write(stream);
                stream.Flush(flush);
            }
            File.Move(beside, path, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }

    /// <summary>Writes bytes.</summary>
    internal static void Write(string path, ReadOnlyMemory<byte> content) => Write(path, stream => stream.Write(content.Span));

    /// <summary>Writes text as UTF-8 without a byte order mark.</summary>
    internal static void Write(string path, string text) => Write(path, System.Text.Encoding.UTF8.GetBytes(text));
}
