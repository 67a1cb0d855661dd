using System.Text.Json;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>Reference: the listings of names and shapes in model.json, open_clip.json and fullsize.json.</summary>
public sealed class ParameterNamesTests
{
    public static TheoryData<string, string> HuggingFaceListings => new()
    {
        { "vit_p8_i32/model.json", "hf_state_dict" }, { "vit_p14_i28/model.json", "hf_state_dict" },
            { "fullsize/fullsize.json", "ViT-B/32:huggingface_state_dict" },
    };

    public static TheoryData<string, string> OpenAiListings => new()
    {
        { "vit_p8_i32/model.json", "state_dict" }, { "vit_p14_i28/model.json", "state_dict" }, { "rn_1111_i64/model.json", "state_dict" },
            { "open_clip/open_clip.json", "state_dict" },
        { "fullsize/fullsize.json", "ViT-B/32:state_dict" }, { "fullsize/fullsize.json", "RN50:state_dict" },
    };

    [Theory]
    [MemberData(nameof(HuggingFaceListings))]
    public void Every_Hugging_Face_name_goes_to_a_parameter_and_back(string file, string listing)
    {
        var keys = Listing(file, listing).Select(entry => entry.Name).Where(name => !ParameterNames.IsIgnored(name)).ToList();
        Assert.Equal(ParameterNaming.HuggingFace, ParameterNames.Detect(keys));
        foreach (string key in keys)
        {
            var target = ParameterNames.Target(key, ParameterNaming.HuggingFace);
            var source = ParameterNames.Source(target.Name, ParameterNaming.HuggingFace);
            Assert.Equal((key, target.Transposed), (source.Sources[target.Part ?? 0], source.Transposed));
        }
    }

    [Theory]
    [MemberData(nameof(OpenAiListings))]
    public void Every_OpenAI_name_goes_to_Hugging_Faces_and_OpenCLIPs_and_back(string file, string listing)
    {
        var keys = Listing(file, listing).Select(entry => entry.Name).ToList();
        Assert.Equal(ParameterNaming.OpenAi, ParameterNames.Detect(keys));
        bool resNet = keys.Contains("visual.layer1.0.conv1.weight");
        foreach (var naming in Enum.GetValues<ParameterNaming>())
        {
            foreach (string key in keys)
            {
                // conv1 is the patches' convolution in a Vision Transformer, and has a place as such.
                if (resNet && naming == ParameterNaming.HuggingFace && key.StartsWith("visual.", StringComparison.Ordinal)
                    && key != "visual.conv1.weight")
                {
                    Assert.Throws<ArgumentException>(() => ParameterNames.Source(key, naming));
                    continue;
                }
                var source = ParameterNames.Source(key, naming);
                var targets = source.Sources.Select(name => ParameterNames.Target(name, naming)).ToList();
                Assert.All(targets, target => Assert.Equal((key, source.Transposed), (target.Name, target.Transposed)));
                Assert.Equal(targets.Count == 1 ? [null] : [0, 1, 2], targets.Select(target => target.Part));
            }
        }
    }

    [Fact]
    public void The_full_ViT_B_32_has_Hugging_Faces_names_and_shapes()
    {
        var expected = Listing("fullsize/fullsize.json", "ViT-B/32:huggingface_state_dict")
            .Where(entry => !ParameterNames.IsIgnored(entry.Name)).ToDictionary(entry => entry.Name, entry => entry.Shape);
        using var scope = NewDisposeScope();
        using var model = new ClipModel(ClipConfig.ViTB32, META);
        var actual = new Dictionary<string, string>();
        foreach (var (name, parameter) in model.state_dict())
        {
            var source = ParameterNames.Source(name, ParameterNaming.HuggingFace);
            long[] shape = [.. source.Transposed ? parameter.shape.Reverse() : parameter.shape];
            if (source.Sources.Count == 3) shape[0] /= 3;
            foreach (string key in source.Sources) actual[key] = string.Join(",", shape);
        }
        Assert.Equal(expected.OrderBy(entry => entry.Key, StringComparer.Ordinal),
            actual.OrderBy(entry => entry.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void Names_of_no_CLIP_are_refused()
    {
        Assert.Null(ParameterNames.Detect(["bert.embeddings.weight"]));
        Assert.Throws<ArgumentException>(() => ParameterNames.Target(
            "vision_model.encoder.layers.0.self_attn.x_proj.weight", ParameterNaming.HuggingFace));
        Assert.Throws<ArgumentException>(() => ParameterNames.Source("transformer.resblocks.0.gate", ParameterNaming.HuggingFace));
    }

    private static IEnumerable<(string Name, string Shape)> Listing(string file, string listing)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Repository.Reference(["models", .. file.Split('/')])));
        var root = json.RootElement;
        foreach (string part in listing.Split(':')) root = root.GetProperty(part);
        return [.. root.EnumerateArray().Select(entry => entry.ValueKind == JsonValueKind.Array
            ? (entry[0].GetString()!, string.Join(",", entry[1].EnumerateArray()))
            : (entry.GetProperty("name").GetString()!, string.Join(",", entry.GetProperty("shape").EnumerateArray())))];
    }
}
