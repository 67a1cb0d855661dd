using System.Diagnostics;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Generators;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using Microsoft.Extensions.AI;

namespace ClipNotebooks.Search.Tests;

/// <summary>
/// Every kind of file through every door: the same pixels and so the same embedding bit for bit, and a file that was indexed finds
/// itself. That the
/// pixels are the references' is tested in Clip.Tests (HuggingFaceCropTests, DecodingTests).
/// </summary>
public sealed class OneWayInTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    /// <summary>The kinds, one a test.</summary>
    public static TheoryData<string> Kinds => [.. PictureKinds.All];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_file_has_the_same_embedding_through_every_door_and_finds_itself(string name)
    {
        var stop = TestContext.Current.CancellationToken;
        byte[] bytes = PictureKinds.Bytes(name);
        string folder = _sandbox.Pictures, path = Path.Combine(folder, name);
        await File.WriteAllBytesAsync(path, bytes, stop);
        Sandbox.Image(1).SavePng(Path.Combine(folder, "other.png"));

        using var clip = Sandbox.RandomClip();
        using var image = RasterImage.Load(path);
        float[] expected = clip.Processor.Transform.Apply(image), embedding = Values(clip.EncodeImages([image]));
        Assert.Equal(expected, ImageFiles.Prepare([path], clip.Processor.Transform, cancellationToken: stop).Single().Single().Pixels);

        var generator = new ClipImageEmbeddingGenerator(clip);
        var generated = await generator.GenerateAsync([new DataContent(bytes, "application/octet-stream")], cancellationToken: stop);
        Assert.Equal(embedding, generated[0].Vector.ToArray());
        using var classifier = new ZeroShotClassifier(clip, ["cat", "dog"]);
        using var encoded = clip.Encode(ImageFiles.Prepare([path], clip.Processor.Transform, cancellationToken: stop).Single())!;
        Assert.Equal(classifier.Probabilities([image])[0].Select(value => (float)value), Values(classifier.Probabilities(encoded)));

        // One at a time: products of other batches are rounded otherwise.
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip, new IndexOptions { BatchSize = 1 });
        await index.AddFolderAsync(folder, cancellationToken: stop);
        await index.AddFilesAsync([path], cancellationToken: stop);
        index.Add("stream", new MemoryStream(bytes));
        index.Add("image", image);
        index.AddRange([new IndexImage("range", image)]);
        var found = index.Search(image, new SearchOptions { Top = 4 });
        Assert.Equal([name, "stream", "image", "range"], found.Select(result => result.Id));
        Assert.All(found, result => Assert.InRange(result.Score, 0.999999, 1.000001));
        Assert.All(found, result => Assert.Equal(embedding, index.Embeddings[result.Id]));
    }

    /// <summary>Where the machine computes in bfloat16, its rounding is all that stands between a file and itself.</summary>
    [Fact]
    public async Task In_bfloat16_every_kind_finds_itself_first()
    {
        var stop = TestContext.Current.CancellationToken;
        string folder = _sandbox.Pictures;
        string[] names = PictureKinds.All;
        foreach (string name in names) await File.WriteAllBytesAsync(Path.Combine(folder, name), PictureKinds.Bytes(name), stop);
        using var clip = Sandbox.RandomClip();
        clip.Prepare(Precision.BFloat16);
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        await index.AddFolderAsync(folder, cancellationToken: stop);
        foreach (string name in names)
        {
            using var image = RasterImage.Load(Path.Combine(folder, name));
            Assert.InRange(index.Search(image, new SearchOptions { Top = 1 })[0].Score, 0.9999, 1.0001);
        }
    }

    [Fact]
    public async Task In_folders_pipes_hidden_files_and_links_to_folders_are_passed_over_and_links_to_images_followed()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no such files, and links need rights there.");
        var stop = TestContext.Current.CancellationToken;
        string folder = _sandbox.Pictures, elsewhere = Path.Combine(_sandbox.Folder, "elsewhere");
        foreach (string made in new[] { folder, elsewhere, Path.Combine(folder, ".hidden") }) Directory.CreateDirectory(made);
        Sandbox.Image(1).SavePng(Path.Combine(elsewhere, "real.png"));
        Sandbox.Image(2).SavePng(Path.Combine(folder, ".secret.png"));
        Sandbox.Image(3).SavePng(Path.Combine(folder, ".hidden", "inside.png"));
        File.CreateSymbolicLink(Path.Combine(folder, "link.png"), Path.Combine(elsewhere, "real.png"));
        File.CreateSymbolicLink(Path.Combine(folder, "loop.png"), Path.Combine(folder, "loop.png"));
        Directory.CreateSymbolicLink(Path.Combine(folder, "above"), folder);
        string pipe = Path.Combine(folder, "pipe.png");
        using (var made = Process.Start("mkfifo", [pipe])) await made.WaitForExitAsync(stop);
        await File.WriteAllBytesAsync(Path.Combine(folder, "empty.png"), [], stop);

        Assert.Equal(["empty.png", "link.png", "loop.png"], ImageFiles.In(folder).Select(Path.GetFileName));
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        var report = await index.AddFolderAsync(folder, cancellationToken: stop);
        Assert.Equal(["link.png"], report.Added);
        Assert.Equal(["empty.png", "loop.png"], report.Unreadable.Select(file => Path.GetFileName(file.Path)));
        Assert.All(report.Unreadable, file => Assert.Contains(file.Path, file.Reason, StringComparison.Ordinal));

        var refusal = Assert.Throws<InvalidDataException>(() => RasterImage.Load(pipe));
        Assert.Contains("pipe.png is a pipe, a socket or a device", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(
            "/dev/null is a pipe, a socket or a device", Assert.Throws<InvalidDataException>(() => RasterImage.Load("/dev/null")).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "is a folder", Assert.Throws<InvalidDataException>(() => RasterImage.Load(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_whose_name_is_not_utf8_is_said_to_be_there()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("Other systems' file names are Unicode.");
        var stop = TestContext.Current.CancellationToken;
        string folder = _sandbox.Pictures;
        Sandbox.Image(1).SavePng(Path.Combine(folder, "plain.png"));
        await ShellAsync($"cp '{folder}/plain.png' \"$(printf '{folder}/caf\\351.png')\"");
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        var report = await index.AddFolderAsync(folder, cancellationToken: stop);
        Assert.Equal(["plain.png"], report.Added);
        Assert.Contains("its name is not UTF-8", Assert.Single(report.Unreadable).Reason, StringComparison.Ordinal);
        var unreadable = ImageFiles.Prepare(ImageFiles.In(folder), clip.Processor.Transform, cancellationToken: stop).SelectMany(
            batch => batch).Single(image => image.Pixels is null);
        Assert.Contains("its name is not UTF-8", unreadable.Problem, StringComparison.Ordinal);
        // What .NET cannot name it cannot remove either.
        await ShellAsync($"rm '{folder}'/caf*");

        async Task ShellAsync(string command)
        {
            using var shell = Process.Start("sh", ["-c", command]);
            await shell.WaitForExitAsync(stop);
        }
    }

    private static float[] Values(TorchSharp.torch.Tensor tensor)
    {
        using (tensor) return tensor.data<float>().ToArray();
    }
}
