using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>Processes that share a cache: each is this test program again, told to run <see cref="Download"/> alone.</summary>
public sealed class HubProcessTests : IDisposable
{
    private const string Id = "test/clip", Asked = "CLIP_TEST_DOWNLOAD", Weights = "model.safetensors";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2); // a busy machine starts a process in seconds

    private readonly string _cache = Directory.CreateTempSubdirectory("hub").FullName;
    private readonly HubServer _server = new(Id);
    private readonly byte[] _weights = new byte[3_000_000];

    public HubProcessTests()
    {
        new Random(2).NextBytes(_weights);
        _server.Files["config.json"] = "{\"model_type\": \"clip\"}"u8.ToArray();
        _server.Files[Weights] = _weights;
    }

    private string Blobs => Path.Combine(_cache, "models--test--clip", "blobs");

    public void Dispose()
    {
        _server.Dispose();
        Directory.Delete(_cache, recursive: true);
    }

    [Fact(Explicit = true)]
    public async Task Download()
    {
        string id = Environment.GetEnvironmentVariable(Asked) ?? throw new InvalidOperationException($"{Asked} is not set: another test " +
            $"starts this one, with a server of its own.");
        await new HuggingFaceHub().DownloadAsync(id, cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Two_processes_at_once_transfer_the_weights_once_and_leave_one_sound_file()
    {
        // The weights are held back until both processes have asked for them, so that one of them has to wait for the other.
        _server.Corrupt = (_, bytes) =>
        {
            Assert.True(SpinWait.SpinUntil(() => _server.Requests.Count(
                request => request.StartsWith("HEAD ", StringComparison.Ordinal)
                && request.Contains(Weights, StringComparison.Ordinal)) >= 2, Limit));
            Thread.Sleep(300);
            return bytes;
        };

        using TestProcess first = Start(), second = Start();
        await Task.WhenAll(EndAsync(first), EndAsync(second));

        Assert.Equal(1, _server.StorageGets);
        Assert.Equal(_weights, File.ReadAllBytes(Path.Combine(Blobs, HubServer.Sha256(_weights))));
        Assert.Equal(2, Directory.GetFiles(Blobs).Length);
        string folder = new HuggingFaceHub(new HubOptions { CacheFolder = _cache, Offline = true }).Find(Id)!;
        Assert.Equal(["config.json", Weights], Directory.GetFiles(folder).Select(Path.GetFileName).Order());
        Assert.Equal(_weights, File.ReadAllBytes(Path.Combine(folder, Weights)));
    }

    [Fact]
    public async Task When_a_process_is_killed_while_it_downloads_another_takes_its_place()
    {
        using var answered = new ManualResetEventSlim();
        using var killed = new ManualResetEventSlim();
        _server.Corrupt = (number, bytes) =>
        {
            if (number > 1) return bytes;
            answered.Set();
            Assert.True(killed.Wait(Limit));
            return bytes;
        };

        using TestProcess first = Start();
        Assert.True(answered.Wait(Limit, TestContext.Current.CancellationToken));
        using TestProcess second = Start();
        first.Kill();
        await first.EndAsync();
        killed.Set();
        await EndAsync(second);

        Assert.Equal(_weights, File.ReadAllBytes(Path.Combine(Blobs, HubServer.Sha256(_weights))));
        Assert.Equal(2, Directory.GetFiles(Blobs).Length);
    }

    private TestProcess Start()
    {
        string program = Path.ChangeExtension(typeof(HubProcessTests).Assembly.Location, OperatingSystem.IsWindows() ? ".exe" : null);
        string method = $"{typeof(HubProcessTests).FullName}.{nameof(Download)}";
        string[] arguments = ["-noLogo", "-noColor", "-explicit", "only", "-method", method];
        var environment = new Dictionary<string, string?>
        {
            [Asked] = Id,
            ["HF_ENDPOINT"] = _server.Endpoint.ToString(),
            ["HF_HUB_CACHE"] = _cache,
            ["HF_HUB_OFFLINE"] = "0",
            ["NO_PROXY"] = "127.0.0.1",
        };
        return TestProcess.Start(program, arguments, environment, limit: Limit);
    }

    /// <summary>Waits for a process, which must have passed its one test.</summary>
    private static async Task EndAsync(TestProcess process)
    {
        var (code, output, error) = await process.EndAsync();
        Assert.True(code == 0 && output.Contains("Total: 1", StringComparison.Ordinal), output + error);
    }
}
