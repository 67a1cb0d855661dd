using System.Text;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atomic").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>What writes a file, and the file that it writes into a folder.</summary>
    public static TheoryData<string> Writers =>
    [
        "model.safetensors", "config.json", "open_clip_config.json", "preprocessor_config.json", "vocab.json", "merges.txt", "a.png",
        "a.checkpoint", "a.txt",
    ];

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

    /// <summary>A folder has the file's name, so that the renaming fails: the last moment at which something can.</summary>
    [Theory]
    [MemberData(nameof(Writers))]
    public void A_writer_that_fails_leaves_nothing_beside(string name)
    {
        Directory.CreateDirectory(Path.Combine(_folder, name));
        Assert.True(Assert.ThrowsAny<Exception>(() => Write(name)) is IOException or UnauthorizedAccessException);
        Assert.DoesNotContain(Directory.GetFiles(_folder), path => path.EndsWith(".part", StringComparison.Ordinal));
        Directory.Delete(Path.Combine(_folder, name));
        Write(name);
        Assert.True(File.Exists(Path.Combine(_folder, name)));
    }

    [Fact]
    public void Where_the_folder_is_missing_that_is_what_is_told() =>
        Assert.Throws<DirectoryNotFoundException>(() => AtomicFile.Write(Path.Combine(_folder, "missing", "a.txt"), "a"));

    [Fact]
    public void What_lasts_replaces_what_was_there_and_a_folder_that_is_not_there_is_named()
    {
        string path = Path.Combine(_folder, "a");
        AtomicFile.WriteLasting(path, stream => stream.Write([1, 2]));
        AtomicFile.WriteLasting(path, stream => stream.Write([3]));
        Assert.Equal([3], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Folders are not flushed on Windows.");
        Assert.Contains("nowhere cannot be flushed to its device: No such file or directory",
            Assert.Throws<IOException>(() => AtomicFile.FlushFolder(Path.Combine(_folder, "nowhere"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_of_files_of_a_form_are_removed_and_nothing_else()
    {
        string[] names = [$"train-3.checkpoint.{Guid.NewGuid():N}.part", "train-3.checkpoint", "train-3.part",
            $"other.checkpoint.{Guid.NewGuid():N}.part", "train-film.checkpoint.mkv.part"];
        foreach (string name in names) File.WriteAllText(Path.Combine(_folder, name), "");
        AtomicFile.DeleteParts(_folder, "train-*.checkpoint");
        var left = Directory.GetFiles(_folder).Select(Path.GetFileName);
        Assert.Equal(names[1..].Order(StringComparer.Ordinal), left.Order(StringComparer.Ordinal));
        AtomicFile.DeleteParts(Path.Combine(_folder, "missing"), "*");
    }

    /// <summary>Names of 255 bytes, the most that file systems allow, of characters of one, three and four bytes.</summary>
    [Theory]
    [InlineData("a")]
    [InlineData("가")]
    [InlineData("🙂")]
    public void A_file_or_folder_may_have_the_longest_name_there_is(string character)
    {
        const string start = "train-", ending = ".checkpoint";
        int bytes = 255 - start.Length - ending.Length, count = bytes / Encoding.UTF8.GetByteCount(character);
        string middle = string.Concat(Enumerable.Repeat(character, count)).PadRight(count * character.Length + bytes -
            count * Encoding.UTF8.GetByteCount(character), 'x');
        string path = Path.Combine(_folder, start + middle + ending), part = AtomicFile.PartOf(path);
        Assert.Equal(255, Encoding.UTF8.GetByteCount(Path.GetFileName(path)));
        AtomicFile.Write(path, "whole");
        Assert.Equal("whole", File.ReadAllText(path));
        File.WriteAllText(part, "left by a killed process");
        Assert.True(AtomicFile.IsPart(part));
        Assert.DoesNotContain('\uFFFD', Path.GetFileName(Directory.GetFiles(_folder, "*.part").Single()));
        AtomicFile.DeleteParts(_folder, "train-*.checkpoint");
        Assert.Equal([path], Directory.GetFiles(_folder));

        string folder = Path.Combine(_folder, "model-" + middle + ending);
        Directory.CreateDirectory(AtomicFile.PartOf(folder));
        WholeFolder.Write(folder, beside => Directory.CreateDirectory(Path.Combine(beside, "inner")));
        Assert.Equal([folder], Directory.GetDirectories(_folder));
        Assert.True(Directory.Exists(Path.Combine(folder, "inner")));
    }

    /// <summary>Wherever the middle of the name falls: before a character of two code units, or between them.</summary>
    [Fact]
    public void A_long_name_that_is_cut_keeps_its_characters_whole()
    {
        for (int shift = 0; shift < 4; shift++)
        {
            string name = new string('x', shift) + string.Concat(Enumerable.Repeat("🙂", 62)), part = AtomicFile.PartOf(name);
            Assert.Equal(part, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(part)));
            Assert.InRange(Encoding.UTF8.GetByteCount(part), 200, 255);
        }
    }

    [Fact]
    public void A_folder_that_is_empty_is_replaced_and_there_again_after_a_failure()
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "a")).FullName;
        Assert.Throws<InvalidDataException>(() => WholeFolder.Write(folder, beside =>
        {
            Directory.CreateDirectory(beside);
            throw new InvalidDataException("It cannot be made.");
        }));
        Assert.Equal([folder], Directory.GetFileSystemEntries(_folder));
        WholeFolder.Write(folder, beside => Directory.CreateDirectory(Path.Combine(beside, "inner")));
        Assert.Equal([folder], Directory.GetFileSystemEntries(_folder));
        Assert.True(Directory.Exists(Path.Combine(folder, "inner")));
    }

    /// <summary>But for downloads, which keep their parts to go on from, and for an editor's own file.</summary>
    [Fact]
    public void One_place_renames_files()
    {
        string lib = Path.Combine(Repository.Root, "lib");
        string[] renaming = [.. Directory.GetFiles(lib, "*.cs", SearchOption.AllDirectories)
            .Where(path => File.ReadAllText(path).Contains("File.Move(", StringComparison.Ordinal)).Select(path => Path.GetFileName(path))];
        Assert.Equal(["AtomicFile.cs", "EditorStorage.cs", "HuggingFaceHub.cs"], renaming.Order(StringComparer.Ordinal));
    }

    private void Write(string name)
    {
        string path = Path.Combine(_folder, name);
        switch (name)
        {
            case "model.safetensors": SafetensorsFile.Write(path, new Dictionary<string, Tensor> { ["x"] = zeros(3) }); break;
            case "config.json": SaveModel(CheckpointLayout.HuggingFace); break;
            case "open_clip_config.json": SaveModel(CheckpointLayout.OpenClip); break;
            case "preprocessor_config.json": new ImageTransformConfig().Save(path); break;
            case "vocab.json" or "merges.txt": BytePairTrainer.Train(["a photo of a cat"], 600, _folder); break;
            case "a.png": RasterImage.FromRgb(1, 1, [1, 2, 3]).SavePng(path); break;
            case "a.checkpoint": TrainingFile.Write(path, writer => writer.Write(1)); break;
            default: AtomicFile.Write(path, "a"); break;
        }
    }

    private void SaveModel(CheckpointLayout layout)
    {
        using var scope = NewDisposeScope();
        using var model = ClipCheckpoint.FromPretrained(Path.Combine(Repository.Root, "data", "models", "tiny-clip"));
        ClipCheckpoint.SavePretrained(model, _folder, layout);
    }

    [Fact]
    public void A_file_system_that_flushes_no_folders_is_no_error()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc is Linux's.");
        AtomicFile.FlushFolder("/proc");
    }

    [Fact]
    public void Flushing_a_folder_leaves_no_descriptor_open()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc is Linux's.");
        int Opened() => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();
        int before = Opened();
        for (int i = 0; i < 2000; i++) AtomicFile.FlushFolder(_folder);
        Assert.InRange(Opened(), 0, before + 500); // other tests open files meanwhile
    }
}
