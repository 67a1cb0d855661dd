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
        ["oc_pool_none"] = "\"pool_type\" is \"none\"",
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
        var images = family.IsFlexible ? family.PlacedPatches() : family.Images();
        GraphComparison.Compare(model, images, family.Outputs.Read("in.token_ids"), _folder);
    }

    /// <summary>
    /// Grids with fewer rows or columns than the table of positions, with more, and with as many; few of them fill the places, whose number
    /// is another than the model's.
    /// </summary>
    [Theory]
    [InlineData(17)]
    [InlineData(64)]
    public void NaFlexs_graphs_give_the_librarys_numbers_for_grids_of_any_shape_side_by_side(int places)
    {
        using var family = FamilyCase.Write("hf_siglip2_naflex", _folder);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var model = ClipCheckpoint.FromPretrained(_folder);
        manual_seed(3);
        (int Rows, int Columns)[] grids = [(1, places), (places, 1), (3, 5), (1, 1), (4, 4), (2, 8), (5, 3)];
        float[] stand = [.. grids.SelectMany(grid => Enumerable.Range(0, places).SelectMany(n => n < grid.Rows * grid.Columns
            ? new float[] { n / grid.Columns, n % grid.Columns } : [-1, -1]))];
        var patches = rand(grids.Length, places, 192) * 2 - 1;
        var images = cat([patches, tensor(stand, [grids.Length, places, 2])], 2);
        GraphComparison.Compare(model, images, family.Outputs.Read("in.token_ids"), _folder);
        using var vision = new RunGraph(Path.Combine(_folder, "vision_model_Float32.onnx"));
        Assert.Equal(["pixel_values (batch_size, num_patches, 192)", "pixel_attention_mask (batch_size, num_patches)",
            "spatial_shapes (batch_size, 2)"], vision.Inputs);
        Assert.Equal(["pooler_output (batch_size, 48)", "last_hidden_state (batch_size, num_patches, 48)"], vision.Outputs);
    }
}
