using System.Globalization;
using System.Runtime.Versioning;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Search.Sharding;
using TorchSharp;

namespace ClipNotebooks.Search.Tests.Faults;

/// <summary>What <see cref="Child"/> runs. Explicit: by themselves these tests do not run.</summary>
public sealed class ChildTests
{
    internal const int Width = 24, RowsPerStep = 5;

    private static string Folder => Environment.GetEnvironmentVariable(Child.FolderVariable)!;

    /// <summary>Where a child notes what it has seen committed; unbuffered, so a kill leaves all lines but the last whole.</summary>
    internal static string Notes(string folder) => Path.Combine(folder, "notes.txt");

    /// <summary>What step i of the long-running change does.</summary>
    internal static (string Kind, int Target) Plan(int step) =>
        (step % 23 == 22 ? "compact" : step % 7 == 5 ? "remove" : step % 7 == 6 ? "replace" : "add",
        step % 7 == 5 ? step - 3 : step % 7 == 6 ? step - 2 : step);

    [Fact(Explicit = true)]
    public void Changes_an_index_until_it_is_killed()
    {
        using var notes = new FileStream(Notes(Folder), FileMode.Create, FileAccess.Write, FileShare.Read, 0);
        using var index = ImageSearchIndex.Open(Path.Combine(Folder, "index"));
        for (int step = int.Parse(Environment.GetEnvironmentVariable(Child.StepVariable)!, CultureInfo.InvariantCulture); ; step++)
        {
            var (kind, target) = Plan(step);
            string[] ids = [.. Enumerable.Range(0, RowsPerStep).Select(row => $"{target}/{row}")];
            if (kind == "compact") index.Compact();
            else if (kind == "remove") index.Remove(ids);
            else index.AddEmbeddings(ids, Sandbox.Vectors(RowsPerStep, Width, seed: step));
            notes.Write(System.Text.Encoding.ASCII.GetBytes($"{step + 1}\n"));
        }
    }

    [Fact(Explicit = true)]
    public async Task Indexes_a_folder_of_pictures()
    {
        await using var notes = new FileStream(Notes(Folder), FileMode.Create, FileAccess.Write, FileShare.Read, 0);
        using var clip = Sandbox.RandomClip();
        string folder = Path.Combine(Folder, "index");
        using var index = ImageSearchIndex.Exists(folder) ? ImageSearchIndex.Open(folder, clip, new IndexOptions { BatchSize = 2 })
            : ImageSearchIndex.Create(folder, clip, new IndexOptions { BatchSize = 2 });
        await index.AddFolderAsync(Path.Combine(Folder, "pictures"),
            progress: new Relay(_ => notes.Write(System.Text.Encoding.ASCII.GetBytes($"{index.Count}\n"))));
    }

    [Fact(Explicit = true)]
    public async Task Embeds_a_shard()
    {
        using var clip = Sandbox.RandomClip();
        await ShardedIndex.EmbedAsync(Path.Combine(Folder, "pictures"), Path.Combine(Folder, "shards", "1"), new Shard(1, 2), clip,
            new IndexOptions { BatchSize = 2 }, new Relay(_ => Thread.Sleep(20)));
    }

    /// <summary>Runs where the folder's device has half a megabyte.</summary>
    [Fact(Explicit = true)]
    public async Task A_full_device_is_an_error_that_leaves_the_index_as_it_was()
    {
        await MountAsync(Folder);
        string folder = Path.Combine(Folder, "index");
        using (var index = ImageSearchIndex.Create(folder, 512, "no model", "no model", null, new IndexOptions()))
        {
            int committed = 0;
            var error = Assert.ThrowsAny<IOException>(Fill);
            Assert.Contains("No space left", error.Message, StringComparison.Ordinal);
            Assert.InRange(committed, 50, 128);
            Intact(index);
            Assert.ThrowsAny<IOException>(index.Compact);
            Intact(index);
            Assert.False(File.Exists(Path.Combine(folder, "vectors-2.bin")));
            using var megabyte = torch.zeros(1 << 18);
            var tensors = new Dictionary<string, torch.Tensor> { ["x"] = megabyte };
            Assert.ThrowsAny<IOException>(() => SafetensorsFile.Write(Path.Combine(Folder, "a.safetensors"), tensors));
            Assert.Empty(Directory.GetFiles(Folder));
            Assert.Empty(Directory.GetFiles(folder, "*.part"));
            using (var reader = ImageSearchIndex.Open(folder)) Intact(reader);

            index.Remove([.. Enumerable.Range(0, committed / 2).SelectMany(i => new[] { $"{i} a", $"{i} b" })]);
            Assert.Equal(2 * (committed - committed / 2), index.Count);

            void Fill()
            {
                for (; ; committed++) index.AddEmbeddings([$"{committed} a", $"{committed} b"], Sandbox.Vectors(2, 512, committed));
            }

            void Intact(ImageSearchIndex at)
            {
                Assert.Equal(2 * committed, at.Count);
                at.Verify();
                Assert.Equal($"{committed - 1} b", at.Search(Sandbox.Vectors(2, 512, committed - 1).AsSpan(512))[0].Id);
            }
        }
    }

    /// <summary>Something is mounted at an empty folder: it can be filled, but neither deleted nor replaced.</summary>
    [Fact(Explicit = true)]
    public async Task A_mount_point_is_not_replaced()
    {
        string place = Path.Combine(Folder, "place");
        await MountAsync(place);
        var error = Assert.Throws<IOException>(() => ImageSearchIndex.Salvage(Path.Combine(Folder, "index"), place));
        Assert.Contains($"{place} is empty, but cannot be replaced", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetDirectories(Folder, "*.part"));
        string inside = Path.Combine(place, "inside");
        Directory.CreateDirectory(inside);
        Assert.Empty(ImageSearchIndex.Salvage(Path.Combine(Folder, "index"), inside));
        Assert.True(ImageSearchIndex.Exists(inside));
    }

    private static async Task MountAsync(string folder)
    {
        var (code, _, error) = await TestProcess.RunAsync("mount", ["-t", "tmpfs", "-o", "size=512k", "none", folder]);
        Assert.True(code == 0, error);
    }

    /// <summary>Runs without the right to read what the file system forbids.</summary>
    [Fact(Explicit = true)]
    [UnsupportedOSPlatform("windows")]
    public async Task A_folder_that_cannot_be_listed_is_reported_and_nothing_below_it_is_removed()
    {
        string pictures = Path.Combine(Folder, "pictures"), locked = Path.Combine(pictures, "locked"),
            file = Path.Combine(pictures, "secret.png");
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(Path.Combine(Folder, "index"), clip);
        Assert.Equal("3 added, 0 updated, 0 unchanged, 0 removed, 0 unreadable", $"{await index.AddFolderAsync(pictures)}");
        File.SetLastWriteTimeUtc(file, new DateTime(2020, 1, 1));
        File.SetUnixFileMode(file, UnixFileMode.None);
        File.SetUnixFileMode(locked, UnixFileMode.None);
        try
        {
            var report = await index.AddFolderAsync(pictures);
            Assert.Equal("0 added, 0 updated, 1 unchanged, 0 removed, 2 unreadable", $"{report}");
            Assert.Equal([locked, file], report.Unreadable.Select(unreadable => unreadable.Path));
            Assert.Contains("cannot be listed", report.Unreadable[0].Reason, StringComparison.Ordinal);
            Assert.Contains("cannot be read", report.Unreadable[1].Reason, StringComparison.Ordinal);
            Assert.Equal(3, index.Count);

            File.SetUnixFileMode(index.Folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            File.SetUnixFileMode(Path.Combine(index.Folder, "writer.lock"), UnixFileMode.UserRead);
            using var reader = ImageSearchIndex.Open(index.Folder, clip);
            Assert.Equal(3, reader.Search("a cat").Count);
            Assert.Contains("cannot be written", Assert.ThrowsAny<IOException>(() => reader.Remove("a.png")).Message,
                StringComparison.Ordinal);
            Assert.Equal(3, reader.Search("a cat").Count);
            Assert.Throws<UnauthorizedAccessException>(() => Sandbox.Image(0).SavePng(Path.Combine(index.Folder, "a.png")));
            Assert.Empty(Directory.GetFiles(index.Folder, "a.png*"));

            index.Dispose();
            File.SetUnixFileMode(Path.Combine(index.Folder, "writer.lock"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
            File.SetUnixFileMode(Path.Combine(index.Folder, "journal.bin"), UnixFileMode.UserRead);
            Assert.Contains("cannot be written", Assert.Throws<IOException>(() => reader.Remove("a.png")).Message,
                StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(index.Folder, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
            File.SetUnixFileMode(locked, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    private sealed class Relay(Action<IndexProgress> told) : IProgress<IndexProgress>
    {
        public void Report(IndexProgress value) => told(value);
    }
}
