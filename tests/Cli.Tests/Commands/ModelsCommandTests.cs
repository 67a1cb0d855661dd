using System.Text.Json;
using ClipNotebooks.Cli.Commands;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Cli.Tests.Commands;

public sealed class ModelsCommandTests : IDisposable
{
    private const string Id = "google/siglip2-base-patch16-224", Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly TemporaryFolder _cache = new();
    private readonly string? _before = Environment.GetEnvironmentVariable("HF_HUB_CACHE");

    public ModelsCommandTests() => Environment.SetEnvironmentVariable("HF_HUB_CACHE", _cache.Path);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("HF_HUB_CACHE", _before);
        _cache.Dispose();
    }

    [Fact]
    public async Task Every_family_is_listed_with_a_model_and_what_is_cached_is_said()
    {
        string repository = Path.Combine(_cache.Path, "models--" + Id.Replace("/", "--", StringComparison.Ordinal));
        string snapshot = Path.Combine(repository, "snapshots", Commit);
        Directory.CreateDirectory(snapshot);
        Directory.CreateDirectory(Path.Combine(repository, "refs"));
        File.WriteAllText(Path.Combine(repository, "refs", "main"), Commit);
        File.WriteAllText(Path.Combine(snapshot, "config.json"), "{\"model_type\": \"siglip\"}");
        File.WriteAllText(Path.Combine(snapshot, "model.safetensors"), "");

        var (code, output, error) = await Clipbook.RunAsync("models", "--json");
        Assert.True(code == ExitCode.Success, error);
        var models = JsonDocument.Parse(output).RootElement.EnumerateArray().ToList();
        var cached = models.Where(model => model.GetProperty("isCached").GetBoolean());
        Assert.Equal([Id], cached.Select(model => model.GetProperty("id").GetString()));

        (code, output, _) = await Clipbook.RunAsync("models");
        Assert.Equal(ExitCode.Success, code);
        foreach (var model in ModelCatalog.Models)
        {
            Assert.Contains(model.Id, output, StringComparison.Ordinal);
            Assert.Contains(model.Family, output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_accuracy_has_its_source_and_an_id_is_one()
    {
        Assert.All(ModelCatalog.Models, model =>
        {
            Assert.Equal(model.Top1 is null, model.Source is null);
            Assert.True(HuggingFaceHub.IsId(model.Id), model.Id);
        });
        Assert.Equal(ModelCatalog.Models.Count, ModelCatalog.Models.Select(model => model.Id).Distinct().Count());
    }
}
