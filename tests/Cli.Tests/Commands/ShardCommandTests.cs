using System.Text.Json;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Search;
using ClipNotebooks.Workbook;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>`embed` and `merge` on files, with the embedded model.</summary>
public sealed class ShardCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Photos => Path.Combine(_folder.Path, "photos");

    private string Shards => Path.Combine(_folder.Path, "shards");

    private string Index => Path.Combine(_folder.Path, "index");

    public ShardCommandTests()
    {
        Directory.CreateDirectory(Photos);
        foreach (string path in Directory.GetFiles(Path.Combine(Lesson.Data, "images"), "*.png")) File.Copy(
            path, Path.Combine(Photos, Path.GetFileName(path)));
    }

    public void Dispose() => _folder.Dispose();

    private Task<(int Code, string Output, string Error)> EmbedAsync(int number, int count, params string[] more) =>
        Clipbook.RunAsync(["embed", Photos, "--output", Path.Combine(Shards, $"{number}"), "--shard", $"{number}/{count}", .. more]);

    [Fact]
    public async Task Shards_are_embedded_merged_and_searched_as_the_folder_is()
    {
        int photos = Directory.GetFiles(Photos).Length, images = 0;
        for (int number = 1; number <= 3; number++)
        {
            var (code, output, error) = await EmbedAsync(number, 3, "--json");
            Assert.True(code == ExitCode.Success, error);
            var report = JsonDocument.Parse(output).RootElement;
            Assert.Equal($"{number}/3", report.GetProperty("shard").GetString());
            Assert.Equal(report.GetProperty("images").GetInt32(), report.GetProperty("added").GetInt32());
            images += report.GetProperty("images").GetInt32();
        }
        Assert.Equal(photos, images);
        Assert.Matches(@"^0 added, .*\n.*Shard 2/3 is whole: \d+ images .* With all 3: clipbook merge",
            (await EmbedAsync(2, 3)).Output.ReplaceLineEndings("\n"));

        var merged = await Clipbook.RunAsync("merge", Shards, "--index", Index, "--json");
        Assert.True(merged.Code == ExitCode.Success, merged.Error);
        Assert.Equal((3, photos), (JsonDocument.Parse(merged.Output).RootElement.GetProperty("shards").GetInt32(),
            JsonDocument.Parse(merged.Output).RootElement.GetProperty("images").GetInt32()));

        string whole = Path.Combine(_folder.Path, "whole");
        Assert.Equal(ExitCode.Success, (await Clipbook.RunAsync("index", Photos, "--index", whole)).Code);
        var (one, other) = (await FoundAsync(whole), await FoundAsync(Index));
        Assert.Equal(one.Select(found => found.Id), other.Select(found => found.Id));
        // Batches of other sizes are summed in another order: five places of the score agree, and more are not printed.
        Assert.All(one.Zip(other), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 2e-5));
        Assert.Contains($"{photos} unchanged", (await Clipbook.RunAsync("index", Photos, "--index", Index)).Output,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("index", "--index")]
    [InlineData("embed", "--output")]
    public async Task A_draft_is_asked_for_by_its_option_and_gives_nearly_the_same_embedding(string command, string place)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder.Path, "large")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(folder, "cat.jpg"),
            SyntheticScenes.Create(SceneWorld.HeldOut, "cat", 1).Draw(640).ToJpeg(), TestContext.Current.CancellationToken);
        float[] whole = await EmbeddingAsync("whole"), again = await EmbeddingAsync("again"),
            draft = await EmbeddingAsync("draft", "--draft");
        Assert.Equal(whole, again);
        Assert.NotEqual(whole, draft);
        // Of unit vectors the cosine; 0.997 was the least over a thousand drawings (tests/Benchmarks/README.md).
        Assert.InRange(whole.Zip(draft, (a, b) => a * b).Sum(), 0.99, 1.001);

        async Task<float[]> EmbeddingAsync(string name, params string[] more)
        {
            string index = Path.Combine(_folder.Path, name);
            var (code, _, error) = await Clipbook.RunAsync([command, folder, place, index, "--precision", "float32", .. more]);
            Assert.True(code == ExitCode.Success, error);
            using var opened = ImageSearchIndex.Open(index);
            return opened.Embeddings.All().Single().Embedding;
        }
    }

    [Fact]
    public async Task A_missing_or_doubled_shard_is_named_and_no_index_is_left()
    {
        Assert.Equal(ExitCode.Success, (await EmbedAsync(1, 3)).Code);
        Assert.Equal(ExitCode.Success, (await EmbedAsync(3, 3)).Code);
        var (code, _, error) = await Clipbook.RunAsync("merge", Path.Combine(Shards, "1"), Path.Combine(Shards, "3"), "--index", Index);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("A shard is missing: 2/3.", error, StringComparison.Ordinal);
        (code, _, error) = await Clipbook.RunAsync("merge", Shards, Path.Combine(Shards, "3"), "--index", Index);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("Shard 3/3 is given twice", error, StringComparison.Ordinal);
        (code, _, error) = await Clipbook.RunAsync("merge", Photos, "--index", Index);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains($"{Photos} is no shard and holds none", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Index));
    }

    [Fact]
    public async Task A_damaged_file_is_named_and_does_not_fail_the_job()
    {
        string broken = _folder.Write("photos/broken.png", "not a picture");
        var (code, output, error) = await EmbedAsync(1, 1, "--json", "--float16");
        Assert.Equal(ExitCode.Success, code);
        Assert.Contains($"{broken} is not an image", error, StringComparison.Ordinal);
        Assert.Equal(broken, JsonDocument.Parse(output).RootElement.GetProperty("unreadable")[0].GetProperty("path").GetString());
    }

    [Theory]
    [InlineData("3")]
    [InlineData("0/4")]
    [InlineData("5/4")]
    public async Task A_shard_that_cannot_be_is_wrong_usage(string shard)
    {
        var (code, _, error) = await Clipbook.RunAsync("embed", Photos, "--output", Shards, "--shard", shard);
        Assert.Equal(ExitCode.Usage, code);
        Assert.StartsWith("clipbook: --shard: ", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Shards));
    }

    private static async Task<(string Id, double Score)[]> FoundAsync(string index)
    {
        var (code, output, error) = await Clipbook.RunAsync("search", "a sunset over the ocean", "--index", index, "--json");
        Assert.True(code == ExitCode.Success, error);
        return [.. JsonDocument.Parse(output).RootElement.GetProperty("results").EnumerateArray()
            .Select(found => (found.GetProperty("id").GetString()!, found.GetProperty("score").GetDouble()))];
    }

    [Fact]
    public async Task What_is_whole_of_a_damaged_index_is_kept_and_what_is_lost_is_named()
    {
        string index = Index, kept = Path.Combine(_folder.Path, "kept"), journal = Path.Combine(index, "journal.bin");
        string photos = Path.Combine(_folder.Path, "album");
        Directory.CreateDirectory(photos);
        foreach (string name in new[] { "cat.png", "pizza.png" })
        {
            File.Copy(Path.Combine(Lesson.Data, "images", name), Path.Combine(photos, name));
            Assert.Equal(ExitCode.Success, (await Clipbook.RunAsync("index", photos, "--index", index)).Code);
        }
        byte[] damaged = File.ReadAllBytes(journal);
        damaged[^1] ^= 1;
        File.WriteAllBytes(journal, damaged);
        var (code, output, error) = await Clipbook.RunAsync("search", "a cat", "--index", index);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains($"keep what is whole: clipbook merge {index} --index NEW --salvage", error);
        (code, output, error) = await Clipbook.RunAsync("merge", index, "--index", kept, "--salvage");
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains($"1 images are kept in {kept}", output);
        Assert.Contains("lost: ", error);
        Assert.Contains("cat.png", (await Clipbook.RunAsync("search", "a cat", "--index", kept)).Output);
        Assert.Equal(damaged, File.ReadAllBytes(journal));
        Assert.Equal(ExitCode.Usage, (await Clipbook.RunAsync("merge", index, kept, "--index", kept + "2", "--salvage")).Code);
    }
}
