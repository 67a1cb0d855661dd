using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Export;
using ClipNotebooks.Clip.Tests.Families;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Export;

/// <summary>
/// Every family's graphs in ONNX Runtime against the library, on the small models of Reference/families: float32 to 1e-5 of the largest
/// magnitude, float16 to a cosine of 0.9995, int8 to 0.99; what is not exported is refused by its key.
/// </summary>
public sealed class OnnxFamilyTests : IDisposable
{
    private static readonly Dictionary<string, string> Refusals = new(StringComparer.Ordinal)
    {
        ["hf_siglip2_naflex"] = "\"num_patches\"", ["oc_pool_none"] = "\"pool_type\" is \"none\"",
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("onnx").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(FamilyTests.Models), MemberType = typeof(FamilyTests))]
    public void The_graphs_give_the_librarys_numbers_or_the_model_is_refused_by_its_key(string name)
    {
        using var family = FamilyCase.Write(name, _folder);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var model = ClipCheckpoint.FromPretrained(_folder);
        if (Refusals.TryGetValue(name, out string? key))
        {
            Assert.Contains(key, Assert.Throws<NotSupportedException>(() => new ModelWriter(model)).Message, StringComparison.Ordinal);
            return;
        }
        GraphComparison.Compare(model, family.Images(), family.Outputs.Read("in.token_ids"), _folder);
    }
}
