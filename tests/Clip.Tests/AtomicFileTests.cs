using ClipNotebooks.Clip.Base;

namespace ClipNotebooks.Clip.Tests;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atomic").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_write_that_fails_leaves_the_former_file_and_nothing_beside_it(bool flush)
    {
        string path = Path.Combine(_folder, "a.txt");
        AtomicFile.Write(path, "before");
        Assert.Throws<IOException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("half"u8);
            throw new IOException("The device is full.");
        }, flush));
        Assert.Equal("before", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
        AtomicFile.Write(path, stream => stream.Write("after"u8), flush);
        Assert.Equal("after", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
    }
}
