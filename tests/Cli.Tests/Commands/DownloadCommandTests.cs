using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>
/// The README's download, from a cache that holds the model already and without a network; the protocol itself is tested beside the
/// library.
/// </summary>
public sealed class DownloadCommandTests : IDisposable
{
    private const string Id = "openai/clip-vit-base-patch32", Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly TemporaryFolder _cache = new();
    private readonly Dictionary<string, string?> _before = [];

    public DownloadCommandTests()
    {
        foreach (var (name, value) in new[] { ("HF_HUB_CACHE", _cache.Path), ("HF_HUB_OFFLINE", "1") })
        {
            _before[name] = Environment.GetEnvironmentVariable(name);
            Environment.SetEnvironmentVariable(name, value);
        }
    }

    public void Dispose()
    {
        foreach (var (name, value) in _before) Environment.SetEnvironmentVariable(name, value);
        _cache.Dispose();
    }

    [Fact]
    public async Task The_READMEs_model_is_found_where_it_has_been_downloaded()
    {
        string repository = Path.Combine(_cache.Path, "models--openai--clip-vit-base-patch32"),
            snapshot = Path.Combine(repository, "snapshots", Commit);
        Directory.CreateDirectory(snapshot);
        Directory.CreateDirectory(Path.Combine(repository, "refs"));
        File.WriteAllText(Path.Combine(repository, "refs", "main"), Commit);
        File.WriteAllText(Path.Combine(snapshot, "config.json"), "{\"model_type\": \"clip\"}");
        File.WriteAllText(Path.Combine(snapshot, "model.safetensors"), "");
        var (code, output, error) = await Clipbook.RunAsync("download", Id);
        Assert.True(code == ExitCode.Success, error);
        Assert.Contains(snapshot, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_it_and_offline_the_message_says_what_to_do()
    {
        StringWriter error = new();
        Assert.Equal(ExitCode.Failed, await Program.RunAsync(["download", Id], error));
        Assert.Contains("HF_HUB_OFFLINE is set", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_is_not_there_may_have_been_meant_as_a_models_id()
    {
        StringWriter error = new();
        Assert.Equal(ExitCode.Failed, await Program.RunAsync(
            ["classify", Path.Combine(ClipNotebooks.Workbook.Lesson.Data, "images", "cat.png"), "--labels", "cat,dog", "--model",
            "modles/tiny-clip"], error));
        Assert.Contains("There is no folder modles/tiny-clip here, and as a model of the Hub it cannot be had.", error.ToString(),
            StringComparison.Ordinal);
    }
}
