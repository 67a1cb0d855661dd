using System.Text;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>A cache that was damaged, and a server (or what answers in its place) that does not keep to the protocol.</summary>
public sealed class HubFaultTests : IDisposable
{
    private const string Id = "test/clip";

    private readonly string _cache = Directory.CreateTempSubdirectory("hub-faults").FullName;
    private readonly HubServer _server = new(Id);

    public HubFaultTests()
    {
        _server.Files["config.json"] = "{\"model_type\": \"clip\"}"u8.ToArray();
        _server.Files["vocab.json"] = "{\"a\": 0}"u8.ToArray();
        _server.Files["model.safetensors"] = [1, 2, 3];
    }

    public void Dispose()
    {
        _server.Dispose();
        Directory.Delete(_cache, recursive: true);
    }

    private HubOptions Options => new()
    {
        CacheFolder = _cache, Endpoint = _server.Endpoint, Attempts = 2, BackOff = _ => TimeSpan.FromMilliseconds(1),
            ReadTimeout = TimeSpan.FromSeconds(20),
    };

    private Task<string> DownloadAsync(HubOptions? options = null) => new HuggingFaceHub(options ?? Options).DownloadAsync(Id);

    private async Task<string> RefusedAsync(HubOptions? options = null) => (await Assert.ThrowsAsync<HubException>(() =>
        DownloadAsync(options))).Message;

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("vocab.json")]
    public async Task A_link_whose_content_is_gone_is_missing_and_fetched_again(string name)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege on Windows, where copies stand in their place.");
        string path = Path.Combine(await DownloadAsync(), name);
        File.Delete(File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName);
        Assert.Null(new HuggingFaceHub(Options).Find(Id));
        Assert.Contains("is not in the cache", await RefusedAsync(Options with { Offline = true }), StringComparison.Ordinal);
        Assert.Equal([(Id, $"the content of {name} is gone")], HalfFetchedModels.In(_cache));
        await DownloadAsync();
        Assert.Equal(_server.Files[name], File.ReadAllBytes(path));
        Assert.NotNull(new HuggingFaceHub(Options).Find(Id));
        Assert.Empty(HalfFetchedModels.In(_cache));
    }

    [Fact]
    public async Task A_download_that_did_not_end_is_called_half_fetched()
    {
        _server.CutAfter = _ => 1;
        await RefusedAsync();
        Assert.Equal([(Id, "1 of its files has arrived in part")], HalfFetchedModels.In(_cache));
        Assert.Empty(HalfFetchedModels.In(Path.Combine(_cache, "none")));
    }

    [Fact]
    public async Task An_empty_file_is_fetched_as_one()
    {
        _server.Files["special_tokens_map.json"] = [];
        string folder = await DownloadAsync();
        Assert.Empty(File.ReadAllBytes(Path.Combine(folder, "special_tokens_map.json")));
    }

    [Fact]
    public async Task A_list_that_does_not_end_is_given_up()
    {
        _server.ListDelay = TimeSpan.FromSeconds(3);
        Assert.Contains("could not be fetched", await RefusedAsync(Options with { ReadTimeout = TimeSpan.FromMilliseconds(300),
            Attempts = 1 }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"sha\": null, \"siblings\": []}", "the commit \"null\"")]
    [InlineData("{\"sha\": 7, \"siblings\": []}", "not what a Hub answers")]
    [InlineData("{\"sha\": \"0123456789abcdef\", \"siblings\": [{\"rfilename\": null}]}", "a file's name is null")]
    [InlineData("{\"sha\": \"0123456789abcdef\", \"siblings\": null}", "not what a Hub answers")]
    [InlineData("{}", "not what a Hub answers")]
    [InlineData("<html>", "not what a Hub answers")]
    [InlineData("LONG", "longer than 10,000,000 bytes")]
    public async Task A_list_that_is_none_is_refused_with_what_to_look_at(string list, string reason)
    {
        _server.List = _ => list == "LONG" ? new string(' ', 10_000_001) : list;
        string message = await RefusedAsync();
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.Contains("HF_ENDPOINT", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_of_the_longest_length_is_still_read()
    {
        _server.List = list => list.PadRight(10_000_000);
        Assert.True(File.Exists(Path.Combine(await DownloadAsync(), "model.safetensors")));
    }

    [Fact]
    public async Task A_character_set_that_nobody_knows_does_not_matter()
    {
        _server.ListType = "application/json; charset=klingon";
        Assert.True(File.Exists(Path.Combine(await DownloadAsync(), "model.safetensors")));
    }

    [Fact]
    public async Task A_shard_without_a_name_is_refused()
    {
        _server.Files.Remove("model.safetensors");
        _server.Files["model.safetensors.index.json"] = Encoding.UTF8.GetBytes("{\"weight_map\": {\"a\": null}}");
        string message = await RefusedAsync();
        Assert.Contains("\"a\" is in no file (null)", message, StringComparison.Ordinal);
        Assert.Contains("Delete it", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ftp://elsewhere/file")]
    [InlineData("file:///etc/passwd")]
    public async Task A_redirect_to_another_scheme_is_not_followed(string location)
    {
        _server.Alter = (name, response) =>
        {
            if (name == "model.safetensors") response.Headers["Location"] = location;
        };
        string message = await RefusedAsync();
        Assert.Contains($"redirects to \"{location}\", which is not followed", message, StringComparison.Ordinal);
        Assert.Contains("HF_ENDPOINT", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("two\nlines")]
    [InlineData("with space")]
    [InlineData("accenté")]
    public async Task A_token_that_cannot_be_one_is_named_before_anything_is_sent(string token)
    {
        string message = await RefusedAsync(Options with { Token = token });
        Assert.Contains("Set HF_TOKEN", message, StringComparison.Ordinal);
        Assert.DoesNotContain(token, message, StringComparison.Ordinal);
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public async Task A_negative_size_is_refused()
    {
        _server.Alter = (_, response) => response.Headers["X-Linked-Size"] = "-5";
        Assert.Contains("-5 bytes", await RefusedAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hashes_are_compared_without_regard_to_case()
    {
        _server.Alter = (name, response) =>
        {
            string header = name == "model.safetensors" ? "X-Linked-Etag" : "ETag";
            response.Headers[header] = response.Headers[header]!.ToUpperInvariant();
        };
        Assert.Equal(_server.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(await DownloadAsync(), "model.safetensors")));
    }

    [Fact]
    public async Task A_long_answer_is_quoted_in_part()
    {
        _server.List = _ => $"{{\"sha\": \"{new string('x', 1_000_000)}\", \"siblings\": []}}";
        Assert.InRange((await RefusedAsync()).Length, 200, 600);
    }
}
