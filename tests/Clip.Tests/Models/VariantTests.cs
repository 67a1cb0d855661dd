using System.Text.Json;
using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Models;

/// <summary>Reference: the nine sizes as openai/CLIP's classes build them (fullsize.json). Built on <c>meta</c>, without memory for the weights.</summary>
public sealed class VariantTests
{
    private static readonly Dictionary<string, ClipConfig> Variants = new()
    {
        ["ViT-B/32"] = ClipConfig.ViTB32,
        ["ViT-B/16"] = ClipConfig.ViTB16,
        ["ViT-L/14"] = ClipConfig.ViTL14,
        ["ViT-L/14@336px"] = ClipConfig.ViTL14At336,
        ["RN50"] = ClipConfig.RN50,
        ["RN101"] = ClipConfig.RN101,
        ["RN50x4"] = ClipConfig.RN50x4,
        ["RN50x16"] = ClipConfig.RN50x16,
        ["RN50x64"] = ClipConfig.RN50x64,
    };

    public static TheoryData<string> Names => [.. Variants.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Configuration_parameters_and_state_equal_the_published_models(string name)
    {
        using var scope = NewDisposeScope();
        var expected = JsonDocument.Parse(File.ReadAllText(Repository.Reference("models", "fullsize", "fullsize.json"))).RootElement.GetProperty(name);
        Assert.Equal(ReferenceModel.Config(expected), Variants[name]);

        using var model = new ClipModel(Variants[name], device("meta"));
        Assert.Equal(expected.GetProperty("parameters").GetInt64(), model.parameters().Sum(p => p.numel()));
        Assert.Equal(expected.GetProperty("vision_parameters").GetInt64(), model.ImageTower.parameters().Sum(p => p.numel()));
        var state = model.state_dict();
        Assert.Equal(expected.GetProperty("state_dict_entries").GetInt32(), state.Count);
        if (!expected.TryGetProperty("state_dict", out var listing)) return;
        string[] entries = [.. listing.EnumerateArray().Select(e => $"{e.GetProperty("name")} [{string.Join(",", e.GetProperty("shape").EnumerateArray())}]")];
        string[] parameters = [.. model.named_parameters().Select(p => $"{p.name} [{string.Join(",", p.parameter.shape)}]")];
        Assert.Equal(entries.Where(parameters.Contains), parameters);
        // TorchSharp lists the running statistics after all parameters, PyTorch module by module.
        Assert.Equal(entries.Order(StringComparer.Ordinal), state.Select(e => $"{e.Key} [{string.Join(",", e.Value.shape)}]").Order(StringComparer.Ordinal));
    }
}
