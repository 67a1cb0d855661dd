using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Export;
using ClipNotebooks.Clip.Tests.Checkpoints;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Onnx;

namespace ClipNotebooks.Clip.Tests.Onnx;

/// <summary>A model of the Hub as ONNX, in the layout of transformers.js: the embedded one, exported once for all tests.</summary>
public sealed class OnnxHubTests(OnnxHubTests.Exported exported) : IClassFixture<OnnxHubTests.Exported>, IDisposable
{
    private const string Id = "test/clip-onnx";

    private static readonly string[] Small =
        ["config.json", "merges.txt", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json"];

    private readonly string _cache = Directory.CreateTempSubdirectory("clip-hub-").FullName;
    private readonly HubServer _server = new(Id);
    private readonly Dictionary<string, string?> _before = [];

    public sealed class Exported : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("clip-onnx-");

        public Exported() =>
            // Numbers in a file of their own, as of a model of more than 2 GB.
            OnnxExport.Write(Path.Combine(Repository.Root, "data", "models", "tiny-clip"), Folder,
                [ExportPrecision.Float32, ExportPrecision.Int8], limit: 1000);

        internal string Folder => Path.Combine(_folder.FullName, "model");

        public void Dispose() => _folder.Delete(recursive: true);
    }

    private void Serve(Func<string, bool>? without = null)
    {
        foreach (string file in Directory.GetFiles(exported.Folder, "*", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(exported.Folder, file).Replace('\\', '/');
            if (without?.Invoke(name) != true) _server.Files[name] = File.ReadAllBytes(file);
        }
        Set("HF_ENDPOINT", _server.Endpoint.ToString());
        Set("HF_HUB_CACHE", _cache);
        Set("HF_HUB_OFFLINE", null);
    }

    private void Set(string name, string? value)
    {
        _before.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }

    public void Dispose()
    {
        foreach (var (name, value) in _before) Environment.SetEnvironmentVariable(name, value);
        _server.Dispose();
        Directory.Delete(_cache, recursive: true);
    }

    private string[] Fetched() => [.. Directory.GetFiles(Path.Combine(_cache, "models--test--clip-onnx", "snapshots", HubServer.Commit),
        "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(
            Path.Combine(_cache, "models--test--clip-onnx", "snapshots", HubServer.Commit), file).Replace('\\', '/'))
        .Where(name => !Small.Contains(name)).Order(StringComparer.Ordinal)];

    [Fact]
    public async Task Its_towers_alone_are_fetched_once_with_the_numbers_beside_them()
    {
        Serve();
        using var expected = OnnxClipEncoder.FromPretrained(exported.Folder);
        using (var clip = await OnnxClipEncoder.FromPretrainedAsync(Id, cancellationToken: TestContext.Current.CancellationToken))
        {
            var image = RasterImage.Load(Path.Combine(Repository.Root, "data", "images", "cat.png"));
            Assert.Equal(expected.EmbedImages([image]), clip.EmbedImages([image]));
            Assert.Equal(expected.EmbedTexts(["a cat at night"]), clip.EmbedTexts(["a cat at night"]));
            Assert.Equal(Id, clip.Source);
        }
        Assert.Equal(["onnx/text_model.onnx", "onnx/text_model.onnx_data", "onnx/vision_model.onnx", "onnx/vision_model.onnx_data"],
            Fetched());
        Assert.Empty(HalfFetchedModels.In(_cache));
        Set("HF_HUB_OFFLINE", "1");
        int asked = _server.Requests.Count;
        OnnxClipEncoder.FromPretrained(Id).Dispose();
        Assert.Equal(asked, _server.Requests.Count);
    }

    [Fact]
    public void Each_kind_of_weights_has_its_own_files_and_the_whole_stands_in_for_towers()
    {
        Serve(name => name.StartsWith("onnx/text_model_quantized", StringComparison.Ordinal));
        using var clip = OnnxClipEncoder.FromPretrained(Id, new OnnxOptions { Weights = OnnxWeights.Int8 });
        Assert.Equal(["onnx/model_quantized.onnx", "onnx/model_quantized.onnx_data"], Fetched());
        Assert.InRange(clip.Scale, 1, 200);
    }

    [Fact]
    public void What_it_has_not_is_told_by_the_names_looked_for()
    {
        Serve();
        string message = Assert.Throws<HubException>(() =>
            OnnxClipEncoder.FromPretrained(Id, new OnnxOptions { Weights = OnnxWeights.Float16 })).Message;
        Assert.Contains("test/clip-onnx (main) holds no CLIP that can be read: onnx/vision_model_fp16.onnx with " +
            "onnx/text_model_fp16.onnx, or", message, StringComparison.Ordinal);
        Assert.Contains("onnx/model_fp16.onnx", message, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_download_that_is_stopped_leaves_no_model_and_goes_on_the_next_time()
    {
        Serve();
        using var stop = new CancellationTokenSource();
        var progress = new Stopping(stop, "onnx/vision_model.onnx_data");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            OnnxClipEncoder.FromPretrainedAsync(Id, progress: progress, cancellationToken: stop.Token));
        Assert.DoesNotContain("onnx/vision_model.onnx", Fetched());
        OnnxClipEncoder.FromPretrained(Id).Dispose();
    }

    private sealed class Stopping(CancellationTokenSource stop, string name) : IProgress<HubProgress>
    {
        public void Report(HubProgress value)
        {
            if (value.File == name) stop.Cancel();
        }
    }
}
