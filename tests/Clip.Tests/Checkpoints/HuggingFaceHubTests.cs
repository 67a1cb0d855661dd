using System.Diagnostics;
using System.Text;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>
/// The Hub's protocol and cache, against a server on loopback. The layout expected is that of huggingface_hub's documentation ("Understand
/// caching").
/// </summary>
public sealed class HuggingFaceHubTests : IDisposable
{
    private const string Id = "test/clip";

    private readonly string _cache = Directory.CreateTempSubdirectory("hub").FullName;
    private readonly HubServer _server = new(Id);
    private readonly byte[] _weights = new byte[300_000];

    public HuggingFaceHubTests()
    {
        new Random(1).NextBytes(_weights);
        _server.Files["config.json"] = "{\"model_type\": \"clip\"}"u8.ToArray();
        _server.Files["vocab.json"] = "{\"a\": 0}"u8.ToArray();
        _server.Files["model.safetensors"] = _weights;
        _server.Files["pytorch_model.bin"] = new byte[10];
        _server.Files["README.md"] = "not wanted"u8.ToArray();
    }

    public void Dispose()
    {
        _server.Dispose();
        Directory.Delete(_cache, recursive: true);
    }

    private HubOptions Options => new() { CacheFolder = _cache, Endpoint = _server.Endpoint, BackOff = _ => TimeSpan.FromMilliseconds(1),
        ReadTimeout = TimeSpan.FromSeconds(20) };

    private string Repository => Path.Combine(_cache, "models--test--clip");

    private string Blob => Path.Combine(Repository, "blobs", HubServer.Sha256(_weights));

    private Task<string> DownloadAsync(HubOptions? options = null, IProgress<HubProgress>? progress = null) =>
        new HuggingFaceHub(options ?? Options).DownloadAsync(Id, progress: progress);

    private async Task<string> RefusedAsync(HubOptions? options = null)
    {
        var error = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(options));
        Assert.False(File.Exists(Blob));
        return error.Message;
    }

    [Fact]
    public async Task A_model_lies_in_the_cache_as_Python_lays_it()
    {
        string folder = await DownloadAsync();
        Assert.Equal(Path.Combine(Repository, "snapshots", HubServer.Commit), folder);
        Assert.Equal(["config.json", "model.safetensors", "vocab.json"], Directory.GetFiles(folder).Select(Path.GetFileName).Order());
        Assert.Equal(HubServer.Commit, File.ReadAllText(Path.Combine(Repository, "refs", "main")));
        Assert.Equal(_weights, File.ReadAllBytes(Blob));
        Assert.Equal(_weights, File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(Path.Combine("..", "..", "blobs", HubServer.Sha256(_weights)),
                new FileInfo(Path.Combine(folder, "model.safetensors")).LinkTarget);
        // Git's hash of {"a": 0}: git hash-object.
        Assert.True(File.Exists(Path.Combine(Repository, "blobs", "ac1121d84e8d3115b222bcfaeb858637d4bcbbf6")));
        Assert.DoesNotContain(Directory.GetFiles(_cache, "*", SearchOption.AllDirectories), path =>
            path.EndsWith(".incomplete", StringComparison.Ordinal) || path.EndsWith(".part", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_in_the_cache_is_not_fetched_again_and_found_without_a_network()
    {
        string folder = await DownloadAsync();
        Assert.Equal(folder, await DownloadAsync());
        Assert.Equal(1, _server.StorageGets);
        _server.Dispose();
        Assert.Equal(folder, new HuggingFaceHub(Options).Find(Id));
        Assert.Equal(folder, await DownloadAsync(Options with { Offline = true }));
        Assert.Equal(folder, new HuggingFaceHub(Options).Find(Id, HubServer.Commit));
    }

    [Fact]
    public void A_model_that_Python_downloaded_is_found()
    {
        string snapshot = Path.Combine(Repository, "snapshots", HubServer.Commit);
        Directory.CreateDirectory(snapshot);
        Directory.CreateDirectory(Path.Combine(Repository, "refs"));
        File.WriteAllText(Path.Combine(Repository, "refs", "main"), HubServer.Commit);
        File.WriteAllText(Path.Combine(snapshot, "config.json"), "{\"model_type\": \"clip\"}");
        Assert.Null(new HuggingFaceHub(Options).Find(Id));
        File.WriteAllBytes(Path.Combine(snapshot, "pytorch_model.bin"), [1]);
        Assert.Equal(snapshot, new HuggingFaceHub(Options).Find(Id));
    }

    [Fact]
    public async Task A_broken_connection_is_resumed_where_it_broke()
    {
        _server.CutAfter = number => number == 1 ? 100_000 : null;
        await DownloadAsync();
        Assert.Equal(_weights, File.ReadAllBytes(Blob));
        string second = _server.Requests.Where(request => request.StartsWith("storage GET", StringComparison.Ordinal)).ElementAt(1);
        Assert.Matches(@"range=bytes=[1-9]\d*- ", second);
    }

    [Fact]
    public async Task A_download_that_ended_with_its_process_goes_on_from_what_is_there()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Blob)!);
        File.WriteAllBytes(Blob + ".incomplete", _weights[..250_000]);
        await DownloadAsync();
        Assert.Equal(_weights, File.ReadAllBytes(Blob));
        Assert.Contains(_server.Requests, request => request.Contains("range=bytes=250000-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_without_ranges_sends_all_again()
    {
        _server.ServesRanges = false;
        _server.CutAfter = number => number == 1 ? 100_000 : null;
        await DownloadAsync();
        Assert.Equal(_weights, File.ReadAllBytes(Blob));
    }

    [Fact]
    public async Task A_damaged_file_is_fetched_again()
    {
        _server.Corrupt = (number, bytes) => number == 1 ? [.. bytes.Select((b, i) => i == 7 ? (byte)~b : b)] : bytes;
        await DownloadAsync();
        Assert.Equal(_weights, File.ReadAllBytes(Blob));
        Assert.Equal(2, _server.StorageGets);
    }

    [Fact]
    public async Task What_was_cut_or_changed_in_the_cache_is_fetched_again()
    {
        string folder = await DownloadAsync();
        File.WriteAllBytes(Blob, _weights[..1000]);
        Assert.Equal(folder, await DownloadAsync());
        Assert.Equal(_weights, File.ReadAllBytes(Blob));
        File.WriteAllBytes(Blob, [.. _weights.Reverse()]);
        File.Delete(Path.Combine(folder, "model.safetensors"));
        await DownloadAsync();
        Assert.Equal(_weights, File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
        Assert.Equal(3, _server.StorageGets);
    }

    [Fact]
    public async Task Weights_that_are_empty_on_the_server_are_refused()
    {
        _server.Files["model.safetensors"] = [];
        Assert.Contains("model.safetensors of test/clip is not to be read: it is empty", await RefusedAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_always_comes_damaged_is_refused()
    {
        _server.Corrupt = (_, bytes) => [.. bytes.Select(b => (byte)~b)];
        Assert.Contains("model.safetensors of test/clip could not be fetched", await RefusedAsync(), StringComparison.Ordinal);
        Assert.Equal(5, _server.StorageGets);
    }

    [Fact]
    public async Task A_busy_server_is_asked_again()
    {
        _server.Refuse = (_, number) => number <= 2 ? (429, null) : number == 3 ? (503, null) : null;
        await DownloadAsync();
        Assert.Equal(_weights, File.ReadAllBytes(Blob));
    }

    [Fact]
    public async Task A_server_that_says_how_long_to_wait_is_left_alone_that_long()
    {
        _server.RetryAfter = "1";
        _server.Refuse = (_, number) => number == 1 ? (429, null) : null;
        var clock = Stopwatch.StartNew();
        await DownloadAsync();
        Assert.True(clock.Elapsed >= TimeSpan.FromSeconds(0.95), $"{clock.Elapsed}"); // a timer may fire a little early
    }

    [Theory]
    [InlineData("86400", "asks to be left alone for 86400 seconds")]
    [InlineData("Fri, 31 Dec 2100 23:59:59 GMT", "asks to be left alone for")]
    public async Task A_server_that_asks_for_hours_ends_the_download_with_its_wish(string wish, string message)
    {
        _server.RetryAfter = wish;
        _server.Refuse = (_, _) => (429, null);
        Assert.Contains(message, await RefusedAsync(), StringComparison.Ordinal);
        Assert.Single(_server.Requests);
    }

    [Theory]
    [InlineData(401, null, "private (401)")]
    [InlineData(403, "GatedRepo", "Ask for it on the model's page")]
    [InlineData(404, "RepoNotFound", "no such model")]
    [InlineData(404, "RevisionNotFound", "no such revision")]
    public async Task A_refusal_is_told_at_once_with_what_to_do(int status, string? code, string message)
    {
        _server.Refuse = (_, _) => (status, code);
        Assert.Contains(message, await RefusedAsync(), StringComparison.Ordinal);
        Assert.Single(_server.Requests);
    }

    [Fact]
    public async Task Without_a_network_the_message_says_what_still_works()
    {
        _server.Dispose();
        Assert.Contains("models that are in the cache need no network", await RefusedAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Offline_and_not_in_the_cache_says_what_to_do()
    {
        Assert.Contains("HF_HUB_OFFLINE is set", await RefusedAsync(Options with { Offline = true }), StringComparison.Ordinal);
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_and_not_to_where_it_redirects()
    {
        await DownloadAsync(Options with { Token = "secret" });
        Assert.All(_server.Requests, request => Assert.Equal(
            !request.StartsWith("storage", StringComparison.Ordinal), request.Contains("Bearer secret", StringComparison.Ordinal)));
        Assert.Equal(1, _server.StorageGets);
    }

    [Fact]
    public async Task Two_at_once_fetch_each_file_once()
    {
        string[] folders = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => DownloadAsync())));
        Assert.Single(folders.Distinct());
        Assert.Equal(1, _server.StorageGets);
        Assert.Equal(_weights, File.ReadAllBytes(Blob));
    }

    [Fact]
    public async Task A_full_disk_is_told_with_the_room_that_is_missing()
    {
        var options = Options with { OpenWrite = (path, mode) => path.Contains(HubServer.Sha256(_weights), StringComparison.Ordinal)
            ? new FullDisk() : new FileStream(path, mode) };
        Assert.Contains("the disk is full, 300,000 bytes more are needed", await RefusedAsync(options), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shards_are_fetched_by_their_index()
    {
        _server.Files.Remove("model.safetensors");
        _server.Files["model.safetensors.index.json"] = Encoding.UTF8.GetBytes("{\"weight_map\": {\"a\": \"model-1.safetensors\", \"b\": " +
            "\"model-2.safetensors\", \"c\": \"model-1.safetensors\"}}");
        _server.Files["model-1.safetensors"] = [1, 2, 3];
        _server.Files["model-2.safetensors"] = [4, 5];
        string folder = await DownloadAsync();
        Assert.Equal([4, 5], File.ReadAllBytes(Path.Combine(folder, "model-2.safetensors")));
        Assert.Equal(folder, new HuggingFaceHub(Options).Find(Id));
        File.Delete(Path.Combine(folder, "model-2.safetensors"));
        Assert.Null(new HuggingFaceHub(Options).Find(Id));
    }

    [Fact]
    public async Task OpenClips_model_is_fetched_where_timms_image_tower_lies_beside_it()
    {
        _server.Files["config.json"] = "{\"architecture\": \"vit_base_patch32_clip_224\", \"num_classes\": 512}"u8.ToArray();
        _server.Files["open_clip_config.json"] = "{\"model_cfg\": {}}"u8.ToArray();
        _server.Files["open_clip_model.safetensors"] = [1, 2, 3];
        string folder = await DownloadAsync();
        Assert.Equal(["config.json", "open_clip_config.json", "open_clip_model.safetensors", "vocab.json"],
            Directory.GetFiles(folder).Select(Path.GetFileName).Order());
        Assert.Equal(folder, new HuggingFaceHub(Options).Find(Id));
    }

    [Fact]
    public async Task A_shard_outside_the_folder_is_not_fetched()
    {
        _server.Files.Remove("model.safetensors");
        _server.Files["model.safetensors.index.json"] = Encoding.UTF8.GetBytes("{\"weight_map\": {\"a\": " +
            "\"../../../../escaped.safetensors\"}}");
        Assert.Contains("would lie outside the cache", await RefusedAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repository_without_a_model_is_told_by_the_names_looked_for()
    {
        _server.Files.Remove("model.safetensors");
        _server.Files.Remove("pytorch_model.bin");
        Assert.Contains("model.safetensors, ", await RefusedAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_keeps_what_has_arrived()
    {
        using var stop = new CancellationTokenSource();
        _server.CutAfter = _ => 100_000;
        var progress = new Sink(value =>
        {
            if (value.File == "model.safetensors" && value.Done > 0) stop.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new HuggingFaceHub(Options).DownloadAsync(Id, progress: progress, cancellationToken: stop.Token));
        Assert.True(new FileInfo(Blob + ".incomplete").Length > 0);
        _server.CutAfter = _ => null;
        await DownloadAsync();
        Assert.Equal(_weights, File.ReadAllBytes(Blob));
    }

    [Fact]
    public async Task Progress_tells_each_file_to_its_last_byte()
    {
        var last = new Dictionary<string, HubProgress>();
        await DownloadAsync(progress: new Sink(value => last[value.File] = value));
        Assert.Equal(["config.json", "model.safetensors", "vocab.json"], last.Keys.Order());
        Assert.All(last.Values, value => Assert.Equal(value.Total, value.Done));
    }

    [Theory]
    [InlineData("openai/clip-vit-base-patch32", true)]
    [InlineData("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", true)]
    [InlineData("data/models/tiny-clip", false)]
    [InlineData("../clip", false)]
    [InlineData("/clip", false)]
    [InlineData("clip", false)]
    [InlineData("a/..", false)]
    public void An_id_is_told_from_a_path(string text, bool isId) => Assert.Equal(isId, HuggingFaceHub.IsId(text));

    [Theory]
    [InlineData("../main")]
    [InlineData("a b")]
    public async Task A_revision_that_is_none_is_refused(string revision) =>
        await Assert.ThrowsAsync<ArgumentException>(() => new HuggingFaceHub(Options).DownloadAsync(Id, revision));

    [Fact]
    public void The_environment_is_read_as_Python_reads_it()
    {
        HubOptions From(params (string Name, string Value)[] set) =>
            HubOptions.From(name => set.FirstOrDefault(entry => entry.Name == name).Value);
        string user = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        Assert.Equal(Path.Combine(user, ".cache", "huggingface", "hub"), From().CacheFolder);
        Assert.Equal(Path.Combine("/x", "huggingface", "hub"), From(("XDG_CACHE_HOME", "/x")).CacheFolder);
        Assert.Equal(Path.Combine("/h", "hub"), From(("XDG_CACHE_HOME", "/x"), ("HF_HOME", "/h")).CacheFolder);
        Assert.Equal("/c", From(("HF_HOME", "/h"), ("HF_HUB_CACHE", "/c")).CacheFolder);
        Assert.Equal(new Uri("https://huggingface.co"), From().Endpoint);
        Assert.Equal(new Uri("http://mirror:8080"), From(("HF_ENDPOINT", "http://mirror:8080/")).Endpoint);
        Assert.Throws<HubException>(() => From(("HF_ENDPOINT", "mirror")));
        Assert.Equal("t", From(("HF_TOKEN", " t\n")).Token);
        Assert.True(From(("HF_HUB_OFFLINE", "1")).Offline);
        Assert.False(From(("HF_HUB_OFFLINE", "0")).Offline);
        File.WriteAllText(Path.Combine(_cache, "token"), "kept\n");
        Assert.Equal("kept", From(("HF_HOME", _cache)).Token);
        Assert.Equal("kept", From(("HF_TOKEN_PATH", Path.Combine(_cache, "token"))).Token);
        Assert.Null(From(("HF_HOME", _cache), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")).Token);
        Assert.True(From(("TRANSFORMERS_OFFLINE", "yes")).Offline);
        Assert.Equal(user + "/models", From(("HF_HUB_CACHE", "~/models")).CacheFolder);
        Assert.Equal("/data/alice/hub/$OTHER", From(("HF_HUB_CACHE", "/data/${NAME}/hub/$OTHER"), ("NAME", "alice")).CacheFolder);
    }

    private sealed class Sink(Action<HubProgress> action) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) => action(value);
    }

    private sealed class FullDisk : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new IOException("No space left on device", 28);
    }
}
