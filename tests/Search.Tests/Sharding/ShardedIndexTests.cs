using ClipNotebooks.Search.Sharding;
using ClipNotebooks.Search.Storage;
using ClipNotebooks.Search.Tests.Faults;

namespace ClipNotebooks.Search.Tests.Sharding;

/// <summary>Shards of a folder embedded apart and put together.</summary>
public sealed class ShardedIndexTests : IDisposable
{
    /// <summary>
    /// One image at a time, so that the model's sums do not depend on an image's companions: equal then means equal to the last bit.
    /// </summary>
    private static readonly IndexOptions OneByOne = new() { BatchSize = 1 };

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    private string Output(int number) => Path.Combine(_sandbox.Folder, "shards", $"{number}");

    private string[] Outputs(int count) => [.. Enumerable.Range(1, count).Select(Output)];

    private void Pictures(int count)
    {
        for (int i = 0; i < count; i++) _sandbox.Picture($"{i % 3}/{i}.png", i);
    }

    private async Task EmbedAsync(int count, Clip.Inference.ClipEncoder clip, IndexOptions? options = null)
    {
        for (int number = 1; number <= count; number++) await ShardedIndex.EmbedAsync(
            _sandbox.Pictures, Output(number), new Shard(number, count), clip, options ?? OneByOne);
    }

    private string Refused(params string[] shards) =>
        Assert.Throws<InvalidDataException>(() => ShardedIndex.Merge(shards, _sandbox.Index)).Message;

    // Written down so that no later version moves a file to another shard: the first eight bytes of `printf %s PATH | sha256sum` as a
    // number, modulo 64, plus 1.
    [Theory]
    [InlineData("a.jpg", 59)]
    [InlineData("2024/summer/IMG_0001.jpg", 24)]
    [InlineData("바다/노을.png", 40)]
    public void A_files_shard_follows_from_its_path_alone(string path, int number)
    {
        Assert.True(new Shard(number, 64).Holds(path), $"{Enumerable.Range(1, 64).Single(n => new Shard(n, 64).Holds(path))}");
        Assert.Equal(1, Enumerable.Range(1, 64).Count(n => new Shard(n, 64).Holds(path)));
    }

    [Fact]
    public void Shards_are_of_a_size()
    {
        int[] sizes = [.. Enumerable.Range(1, 16).Select(
            number => Enumerable.Range(0, 16_000).Count(i => new Shard(number, 16).Holds($"folder/{i:000000}.jpg")))];
        Assert.Equal(16_000, sizes.Sum());
        Assert.All(sizes, size => Assert.InRange(size, 840, 1160)); // 1000, five standard deviations of 31 on either side
    }

    [Theory]
    [InlineData("3/64", null)]
    [InlineData("3", "two numbers are expected, such as 3/64")]
    [InlineData("3/x", "two numbers are expected")]
    [InlineData("-1/4", "two numbers are expected")]
    [InlineData("0/4", "There is no shard 0/4")]
    [InlineData("5/4", "There is no shard 5/4")]
    [InlineData("0/0", "There is no shard 0/0")]
    public void A_shard_is_written_as_two_numbers(string text, string? problem)
    {
        if (problem is null) Assert.Equal(text, $"{Shard.Parse(text)}");
        else Assert.Contains(problem, Assert.Throws<FormatException>(() => Shard.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(VectorStorage.Float32)]
    [InlineData(VectorStorage.Float16)]
    public async Task Merged_shards_equal_the_index_made_in_one_go_to_the_last_bit(VectorStorage storage)
    {
        Pictures(40);
        using var clip = Sandbox.RandomClip();
        var options = OneByOne with { Storage = storage };
        await EmbedAsync(5, clip, options);
        int told = 0;
        Assert.Equal(40, ShardedIndex.Merge([.. Outputs(5).Reverse()], _sandbox.Index,
            new Relay<(int Done, int Total)>(state => told = state.Done == state.Total ? state.Total : 0)));
        Assert.Equal(40, told);

        using var whole = ImageSearchIndex.Create(Path.Combine(_sandbox.Folder, "whole"), clip, options);
        await whole.AddFolderAsync(_sandbox.Pictures);
        using var merged = ImageSearchIndex.Open(_sandbox.Index, clip, options);
        Assert.Equal((whole.Count, whole.Root, whole.Storage, whole.Model), (merged.Count, merged.Root, merged.Storage, merged.Model));
        foreach (string id in whole.Embeddings.Ids) Assert.Equal(whole.Embeddings[id], merged.Embeddings[id]);
        for (int query = 0; query < 10; query++)
        {
            var found = merged.Search(Sandbox.Image(100 + query), new SearchOptions { Top = 40 });
            Assert.Equal(whole.Search(Sandbox.Image(100 + query), new SearchOptions { Top = 40 })
                .Select(result => (result.Id, result.Path, result.Score)), found.Select(result => (result.Id, result.Path, result.Score)));
        }
        Assert.Equal("0 added, 0 updated, 40 unchanged, 0 removed, 0 unreadable", $"{await merged.AddFolderAsync(_sandbox.Pictures)}");
        Assert.Empty(Directory.GetDirectories(_sandbox.Folder, "*.part"));
    }

    [Fact]
    public async Task A_killed_shard_goes_on_where_it_was()
    {
        Pictures(60);
        using var clip = Sandbox.RandomClip();
        using (var child = Child.Start(nameof(ChildTests.Embeds_a_shard), _sandbox.Folder))
        {
            // Some batches of two are committed, and the shard's thirty files are not done yet.
            while (!child.HasExited && Committed() < 4) await Task.Delay(1);
            await child.KillAsync();
        }
        int committed = Committed();
        Assert.InRange(committed, 4, 29);
        var shard = new Shard(1, 2);
        Assert.Contains("A shard is not whole: 1/2 in ", Refused(Output(1), await Other()), StringComparison.Ordinal);
        var report = await ShardedIndex.EmbedAsync(_sandbox.Pictures, Output(1), shard, clip);
        Assert.InRange(report.Unchanged.Count, committed, 59);
        Assert.Equal(60, ShardedIndex.Merge(Outputs(2), _sandbox.Index));

        int Committed() => ImageSearchIndex.Exists(Output(1)) && File.Exists(Path.Combine(Output(1), "vectors.bin")) ? Count() : 0;

        int Count()
        {
            using var index = ImageSearchIndex.Open(Output(1));
            return index.Count;
        }

        async Task<string> Other()
        {
            await ShardedIndex.EmbedAsync(_sandbox.Pictures, Output(2), new Shard(2, 2), clip);
            return Output(2);
        }
    }

    [Fact]
    public async Task A_shard_is_brought_up_to_date_and_heeds_files_of_its_own_alone()
    {
        Pictures(12);
        using var clip = Sandbox.RandomClip();
        await EmbedAsync(2, clip);
        string[] mine = [.. Directory.GetFiles(_sandbox.Pictures, "*.png", SearchOption.AllDirectories)
            .Where(path => new Shard(1, 2).Holds(Path.GetRelativePath(_sandbox.Pictures, path).Replace('\\', '/')))];
        File.Delete(mine[0]);
        Sandbox.Image(99).SavePng(mine[1]);
        var report = await ShardedIndex.EmbedAsync(_sandbox.Pictures, Output(1), new Shard(1, 2), clip, OneByOne);
        Assert.Equal($"0 added, 1 updated, {mine.Length - 2} unchanged, 1 removed, 0 unreadable", $"{report}");
        Assert.Empty((await ShardedIndex.EmbedAsync(_sandbox.Pictures, Output(2), new Shard(2, 2), clip, OneByOne)).Updated);
        Assert.Equal(11, ShardedIndex.Merge(Outputs(2), _sandbox.Index));
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_noted_and_the_shard_is_whole_without_it()
    {
        Pictures(3);
        string broken = Path.Combine(_sandbox.Pictures, "broken.png");
        await File.WriteAllTextAsync(broken, "not a picture");
        using var clip = Sandbox.RandomClip();
        var report = await ShardedIndex.EmbedAsync(_sandbox.Pictures, Output(1), new Shard(1, 1), clip);
        Assert.Equal(broken, Assert.Single(report.Unreadable).Path);
        Assert.Contains("broken.png", await File.ReadAllTextAsync(Path.Combine(Output(1), "shard.json")), StringComparison.Ordinal);
        Assert.Equal(3, ShardedIndex.Merge(Outputs(1), _sandbox.Index));
    }

    [Fact]
    public async Task A_shard_of_a_folder_without_images_says_that_its_device_may_be_missing()
    {
        using var clip = Sandbox.RandomClip();
        var error = await Assert.ThrowsAsync<InvalidDataException>(
            () => ShardedIndex.EmbedAsync(_sandbox.Pictures, Output(1), new Shard(1, 1), clip));
        Assert.Contains("is it mounted?", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Output(1)), "a shard was made of nothing");
        // One file in two shards: one of them is empty, and right.
        Pictures(1);
        await EmbedAsync(2, clip);
        Assert.Equal(1, ShardedIndex.Merge(Outputs(2), _sandbox.Index));
    }

    [Fact]
    public async Task A_folder_that_holds_something_else_is_no_place_for_a_shard()
    {
        Pictures(4);
        using var clip = Sandbox.RandomClip();
        await EmbedAsync(2, clip);
        Task<string> RefusedAsync(string output, Shard shard, IndexOptions? options = null) =>
            Message(() => ShardedIndex.EmbedAsync(_sandbox.Pictures, output, shard, clip, options));
        Assert.Contains("holds the shard 1/2, not 2/2", await RefusedAsync(Output(1), new Shard(2, 2)), StringComparison.Ordinal);
        Assert.Contains("holds the shard 1/2, not 1/3", await RefusedAsync(Output(1), new Shard(1, 3)), StringComparison.Ordinal);
        Assert.Contains("in Float32, not in Float16",
            await RefusedAsync(Output(1), new Shard(1, 2), new IndexOptions { Storage = VectorStorage.Float16 }), StringComparison.Ordinal);
        ImageSearchIndex.Create(_sandbox.Index, clip).Dispose();
        Assert.Contains("holds an index that is no shard", await RefusedAsync(_sandbox.Index, new Shard(1, 2)), StringComparison.Ordinal);
        using var another = Sandbox.RandomClip(seed: 2);
        Assert.Contains("another model", await Message(
            () => ShardedIndex.EmbedAsync(_sandbox.Pictures, Output(1), new Shard(1, 2), another)), StringComparison.Ordinal);
        // None of these took the shard's wholeness from it.
        Directory.Delete(_sandbox.Index, recursive: true);
        Assert.Equal(4, ShardedIndex.Merge(Outputs(2), _sandbox.Index));

        static async Task<string> Message(Func<Task> act) => (await Assert.ThrowsAsync<InvalidDataException>(act)).Message;
    }

    [Fact]
    public async Task Shards_that_make_no_whole_are_refused_by_name()
    {
        Pictures(16);
        using var clip = Sandbox.RandomClip();
        using var another = Sandbox.RandomClip(seed: 2);
        await EmbedAsync(4, clip);
        Assert.Contains("A shard is missing: 3/4. Give all 4.", Refused(Output(1), Output(2), Output(4)), StringComparison.Ordinal);
        Assert.Contains("2 shards are missing: 1/4, 3/4.", Refused(Output(2), Output(4)), StringComparison.Ordinal);
        Assert.Contains($"Shard 2/4 is given twice: {Output(2)} and {Output(2)}", Refused([.. Outputs(4), Output(2)]),
            StringComparison.Ordinal);
        Assert.Contains("is no shard", Refused(_sandbox.Pictures), StringComparison.Ordinal);
        Assert.Contains("no shards", Refused(), StringComparison.Ordinal);

        async Task<string> InPlaceOfTheFourthAsync(Func<string, Task> embed)
        {
            string output = Path.Combine(_sandbox.Folder, $"{Guid.NewGuid():N}");
            await embed(output);
            return Refused(Output(1), Output(2), Output(3), output);
        }

        string moved = Path.Combine(_sandbox.Folder, "moved");
        Directory.CreateDirectory(moved);
        foreach (string file in Directory.GetFiles(_sandbox.Pictures, "*.png", SearchOption.AllDirectories)) File.Copy(
            file, Path.Combine(moved, Path.GetFileName(file)));
        Assert.Contains("belong to different splits",
            await InPlaceOfTheFourthAsync(output => ShardedIndex.EmbedAsync(_sandbox.Pictures, output, new Shard(4, 5), clip)),
            StringComparison.Ordinal);
        Assert.Contains($"are of different folders, {_sandbox.Pictures} and {moved}",
            await InPlaceOfTheFourthAsync(output => ShardedIndex.EmbedAsync(moved, output, new Shard(4, 4), clip)),
            StringComparison.Ordinal);
        Assert.Contains("were embedded by different models",
            await InPlaceOfTheFourthAsync(output => ShardedIndex.EmbedAsync(_sandbox.Pictures, output, new Shard(4, 4), another)),
            StringComparison.Ordinal);
        Assert.Contains("in Float32 and Float16", await InPlaceOfTheFourthAsync(
            output => ShardedIndex.EmbedAsync(_sandbox.Pictures, output, new Shard(4, 4), clip,
            new IndexOptions { Storage = VectorStorage.Float16 })), StringComparison.Ordinal);
        Assert.Contains("was changed after it was whole", await InPlaceOfTheFourthAsync(async output =>
        {
            await ShardedIndex.EmbedAsync(_sandbox.Pictures, output, new Shard(4, 4), clip);
            using var index = ImageSearchIndex.Open(output, clip);
            index.Add("from elsewhere", Sandbox.Image(1));
        }), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_sandbox.Index), "an index was left");
        Assert.Empty(Directory.GetDirectories(_sandbox.Folder, "*.part"));

        var vectors = Path.Combine(Output(2), "vectors.bin");
        var bytes = await File.ReadAllBytesAsync(vectors);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(vectors, bytes);
        Assert.Contains($"{vectors} is damaged", Refused(Outputs(4)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_merge_leaves_what_is_there_alone_and_begins_anew_what_was_interrupted()
    {
        Pictures(6);
        using var clip = Sandbox.RandomClip();
        await EmbedAsync(2, clip);
        string interrupted = $"{_sandbox.Index}.{Guid.NewGuid():N}.part", others = _sandbox.Index + ".part";
        Directory.CreateDirectory(interrupted);
        await File.WriteAllTextAsync(Path.Combine(interrupted, "journal.bin"), "half an index");
        Directory.CreateDirectory(others);
        Directory.CreateDirectory(_sandbox.Index);
        Assert.Equal(6, ShardedIndex.Merge(Outputs(2), _sandbox.Index));
        Assert.Equal([others], Directory.GetDirectories(_sandbox.Folder, "*.part"));
        Directory.Delete(others);
        Assert.Contains("holds something already", Assert.Throws<IOException>(() => ShardedIndex.Merge(Outputs(2), _sandbox.Index)).Message,
            StringComparison.Ordinal);

        using var stop = new CancellationTokenSource();
        string never = Path.Combine(_sandbox.Folder, "never");
        Assert.ThrowsAny<OperationCanceledException>(
            () => ShardedIndex.Merge(Outputs(2), never, new Relay<(int Done, int Total)>(_ => stop.Cancel()), stop.Token));
        Assert.False(Directory.Exists(never), "an index was left");
        Assert.Empty(Directory.GetDirectories(_sandbox.Folder, "*.part"));
    }

    private sealed class Relay<T>(Action<T> told) : IProgress<T>
    {
        public void Report(T value) => told(value);
    }
}
