using System.IO.MemoryMappedFiles;

namespace ClipNotebooks.Search.Storage;

/// <summary>
/// The beginning of a file, mapped read-only. <see cref="TryHold"/> keeps it mapped while it is read, so that another thread may dispose it
/// at any moment.
/// </summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;

    private MappedFile(MemoryMappedFile file, MemoryMappedViewAccessor view, long length)
    {
        (_file, _view, Length) = (file, view, length);
        _start = (byte*)view.SafeMemoryMappedViewHandle.DangerousGetHandle() + view.PointerOffset;
    }

    internal long Length { get; }

    /// <summary>Maps the first <paramref name="length"/> bytes; the stream may be closed afterwards.</summary>
    internal static MappedFile Open(FileStream stream, long length)
    {
        var file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None,
            leaveOpen: true);
        try
        {
            return new MappedFile(file, file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read), length);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    internal byte* At(long offset) => _start + offset;

    internal ReadOnlySpan<byte> Bytes(long offset, int length) => new(_start + offset, length);

    /// <summary>False once the file is disposed; otherwise <see cref="Release"/> has to follow.</summary>
    internal bool TryHold()
    {
        bool held = false;
        try
        {
            _view.SafeMemoryMappedViewHandle.DangerousAddRef(ref held);
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        return held;
    }

    internal void Release() => _view.SafeMemoryMappedViewHandle.DangerousRelease();

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
