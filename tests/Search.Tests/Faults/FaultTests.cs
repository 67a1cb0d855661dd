using System.Globalization;

namespace ClipNotebooks.Search.Tests.Faults;

/// <summary>
/// Processes that end at any moment, devices that are full, folders that may not be read. <c>CLIP_LONG_TESTS=1</c> kills 50 processes
/// instead of 3.
/// </summary>
public sealed class FaultTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    /// <summary>
    /// After a kill the index holds what the last step seen left, or the step after it: nothing in between, and nothing less.
    /// </summary>
    [Fact]
    public async Task A_kill_at_any_moment_of_adding_replacing_removing_or_compacting_loses_nothing_that_was_committed()
    {
        int kills = Sandbox.Long ? 25 : 2, step = 0;
        var random = new Random(1);
        _sandbox.OfVectors(ChildTests.Width).Dispose();
        for (int kill = 0; kill < kills; kill++)
        {
            int noted = await KillAsync(nameof(ChildTests.Changes_an_index_until_it_is_killed), step,
                TimeSpan.FromMilliseconds(random.Next(200)));
            using var index = ImageSearchIndex.Open(_sandbox.Index);
            index.Verify();
            var found = index.Embeddings.All().ToDictionary(pair => pair.Entry.Id, pair => pair.Embedding);
            Assert.Equal(index.Count, found.Count);
            step = new[] { noted, noted + 1 }.First(done => Expected(done).Keys.ToHashSet().SetEquals(found.Keys));
            // A replacement keeps the names; then the vectors tell.
            if (!Agrees(step, found)) step = noted + 1;
            Assert.True(Agrees(step, found), $"After kill {kill} the index is neither that of step {noted} nor that of the next.");
        }
        Assert.True(step > 2 * kills, $"Only {step} steps were done.");
    }

    [Fact]
    public async Task A_kill_at_any_moment_of_indexing_loses_at_most_the_current_batch()
    {
        int kills = Sandbox.Long ? 25 : 1, pictures = Sandbox.Long ? 300 : 60;
        var random = new Random(2);
        for (int i = 0; i < pictures; i++) _sandbox.Picture($"{i}.png", i);
        for (int kill = 0; kill < kills; kill++)
        {
            int noted = await KillAsync(nameof(ChildTests.Indexes_a_folder_of_pictures), 0, TimeSpan.FromMilliseconds(random.Next(150)));
            using (var index = ImageSearchIndex.Open(_sandbox.Index))
            {
                index.Verify();
                Assert.InRange(index.Count, noted, Math.Min(pictures, noted + 2));
            }
            if (noted == pictures) Directory.Delete(_sandbox.Index, recursive: true);
        }
        using (var last = Child.Start(nameof(ChildTests.Indexes_a_folder_of_pictures), _sandbox.Folder)) await last.SucceedsAsync();
        using var clip = Sandbox.RandomClip();
        using var whole = ImageSearchIndex.Open(_sandbox.Index, clip);
        Assert.Equal(pictures, whole.Count);
        for (int i = 0; i < pictures; i++)
        {
            var best = whole.Search(Sandbox.Image(i))[0];
            Assert.Equal($"{i}.png", best.Id);
            Assert.Equal(1, best.Score, 1e-5); // the same image in another batch: the last bits of float32
        }
    }

    [Fact]
    public async Task A_full_disk_is_an_error_that_leaves_the_index_as_it_was()
    {
        string[] wrapper = ["unshare", "--user", "--map-root-user", "--mount"];
        if (!await WorksAsync([.. wrapper, "sh", "-c", "mount -t tmpfs none /mnt"]))
            Assert.Skip("A small device cannot be made here: unshare --user --map-root-user --mount or mounting a tmpfs is not permitted.");
        using var child = Child.Start(nameof(ChildTests.A_full_device_is_an_error_that_leaves_the_index_as_it_was), _sandbox.Folder, 0,
            wrapper);
        await child.SucceedsAsync();
    }

    [Fact]
    public async Task A_folder_that_cannot_be_replaced_is_refused_before_anything_is_written()
    {
        string[] wrapper = ["unshare", "--user", "--map-root-user", "--mount"];
        if (!await WorksAsync([.. wrapper, "sh", "-c", "mount -t tmpfs none /mnt"]))
            Assert.Skip("Nothing can be mounted here: unshare --user --map-root-user --mount or mounting a tmpfs is not permitted.");
        Directory.CreateDirectory(Path.Combine(_sandbox.Folder, "place"));
        using (var index = _sandbox.OfVectors(2)) index.AddEmbeddings(["a"], [1, 0]);
        using var child = Child.Start(nameof(ChildTests.A_mount_point_is_not_replaced), _sandbox.Folder, 0, wrapper);
        await child.SucceedsAsync();
    }

    [Fact]
    public async Task A_folder_that_cannot_be_listed_is_reported_and_nothing_below_it_is_removed()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Permissions are taken away by their Unix form.");
        // Root may read everything, until it gives that right up.
        string[] wrapper = Environment.IsPrivilegedProcess ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : [];
        if (wrapper.Length > 0 && !await WorksAsync([.. wrapper, "true"]))
            Assert.Skip("This runs as root, who reads everything, and setpriv cannot take that right away here.");
        _sandbox.Picture("a.png", 1);
        _sandbox.Picture("secret.png", 2);
        _sandbox.Picture("locked/b.png", 3);
        using var child = Child.Start(nameof(ChildTests.A_folder_that_cannot_be_listed_is_reported_and_nothing_below_it_is_removed),
            _sandbox.Folder, 0, wrapper);
        await child.SucceedsAsync();
    }

    private static async Task<bool> WorksAsync(string[] command)
    {
        try
        {
            return (await TestProcess.RunAsync(command[0], command[1..])).Code == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    /// <summary>Starts a child, lets it run for a while after its first note, kills it, and gives its last whole note.</summary>
    private async Task<int> KillAsync(string test, int step, TimeSpan after)
    {
        string notes = ChildTests.Notes(_sandbox.Folder);
        File.Delete(notes);
        using var child = Child.Start(test, _sandbox.Folder, step);
        while (!child.HasExited && (!File.Exists(notes) || new FileInfo(notes).Length == 0)) await Task.Delay(5);
        await Task.Delay(after);
        await child.KillAsync();
        string[] lines = (await File.ReadAllTextAsync(notes)).Split('\n');
        Assert.True(lines.Length > 1, "The child ended before its first step.");
        return int.Parse(lines[^2], CultureInfo.InvariantCulture);
    }

    private static bool Agrees(int steps, Dictionary<string, float[]> found)
    {
        var expected = Expected(steps);
        // AddEmbeddings makes unit vectors of what are nearly unit vectors.
        return expected.Count == found.Count && expected.All(pair => found.TryGetValue(pair.Key, out float[]? values)
            && pair.Value.Zip(values).All(value => Math.Abs(value.First - value.Second) < 1e-6));
    }

    /// <summary>What the plan's first steps leave.</summary>
    private static Dictionary<string, float[]> Expected(int steps)
    {
        var expected = new Dictionary<string, float[]>();
        for (int step = 0; step < steps; step++)
        {
            var (kind, target) = ChildTests.Plan(step);
            var vectors = Sandbox.Vectors(ChildTests.RowsPerStep, ChildTests.Width, seed: step).Chunk(ChildTests.Width).ToArray();
            for (int row = 0; row < ChildTests.RowsPerStep; row++)
            {
                if (kind == "remove") expected.Remove($"{target}/{row}");
                else if (kind != "compact") expected[$"{target}/{row}"] = vectors[row];
            }
        }
        return expected;
    }
}
