using System.Text.Json;
using ClipNotebooks.Clip.Checkpoints;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Families;

/// <summary>
/// One case of Reference/families: its configuration, weights that a formula gives, and outputs of the package that the family comes from.
/// </summary>
internal sealed class FamilyCase : IDisposable
{
    private const int CoarseKey = 1000003, FineKey = 1000004;

    private readonly JsonDocument _case;

    private FamilyCase(string name, string folder)
    {
        Folder = folder;
        _case = JsonDocument.Parse(File.ReadAllText(Repository.Reference("families", name, "case.json")));
        Outputs = SafetensorsFile.Open(Repository.Reference("families", name, "io.safetensors"));
    }

    /// <summary>A checkpoint as it is published: the configuration, and the weights under their names.</summary>
    internal string Folder { get; }

    /// <summary>Inputs under <c>in.</c>, outputs, and the same in float64 under names that end in <c>.f64</c>.</summary>
    internal SafetensorsFile Outputs { get; }

    internal JsonElement Root => _case.RootElement;

    internal bool IsOpenClip => File.Exists(Path.Combine(Folder, "open_clip_config.json"));

    /// <summary>The names in the file.</summary>
    internal IReadOnlyList<string> Names { get; private set; } = [];

    /// <summary>Writes a case as a checkpoint into a folder.</summary>
    /// <param name="name">The case.</param>
    /// <param name="folder">Where to.</param>
    /// <param name="naming">Which of a case's names: <c>name</c>, <c>published_as</c> or <c>transformers_5_saves_as</c>.</param>
    internal static FamilyCase Write(string name, string folder, string naming = "name")
    {
        var family = new FamilyCase(name, folder);
        string config = family.Root.GetProperty("config_file").GetString()!;
        File.Copy(Repository.Reference("families", name, config), Path.Combine(folder, config), overwrite: true);
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var (k, entry) in family.Root.GetProperty("state_dict").EnumerateArray().Index())
        {
            long[] shape = [.. entry.GetProperty("shape").EnumerateArray().Select(side => side.GetInt64())];
            string key = (entry.TryGetProperty(naming, out var other) ? other : entry.GetProperty("name")).GetString()!;
            tensors[key] = entry.TryGetProperty("value", out var value)
                ? full(shape, value.GetInt64(), dtype: int64)
                : Weights(k, shape, entry.GetProperty("offset").GetDouble(), entry.GetProperty("scale").GetDouble());
        }
        family.Names = [.. tensors.Keys];
        SafetensorsFile.Write(Path.Combine(folder, family.IsOpenClip ? "open_clip_model.safetensors" : "model.safetensors"), tensors);
        return family;
    }

    /// <summary>Whether its images are patches of any shapes.</summary>
    internal bool IsFlexible => Outputs.Contains("in.spatial_shapes");

    /// <summary>The case's patches with their places, (B, N, 3 P² + 2), as the image transform makes them.</summary>
    internal Tensor PlacedPatches()
    {
        var patches = Outputs.Read("in.pixel_values");
        long[] shapes = Outputs.Read("in.spatial_shapes").data<long>().ToArray();
        long B = patches.shape[0], N = patches.shape[1];
        float[] places = [.. Enumerable.Range(0, (int)B).SelectMany(b => Enumerable.Range(0, (int)N).SelectMany(n =>
            n < shapes[2 * b] * shapes[2 * b + 1] ? new float[] { n / shapes[2 * b + 1], n % shapes[2 * b + 1] } : [-1, -1]))];
        return cat([patches, tensor(places, [B, N, 2])], 2);
    }

    /// <summary>(B, 3, H, W), float32.</summary>
    internal Tensor Images()
    {
        long[] shape = [.. Root.GetProperty("inputs").GetProperty("images").GetProperty("shape").EnumerateArray(
            ).Select(side => side.GetInt64())];
        long B = shape[0], H = shape[2], W = shape[3];
        double[] coarse = Unit(CoarseKey, B * 3 * 64), fine = Unit(FineKey, B * 3 * H * W);
        float[] values = new float[fine.Length];
        for (long plane = 0, i = 0; plane < B * 3; plane++)
            for (long y = 0; y < H; y++)
                for (long x = 0; x < W; x++, i++) values[i] = (float)(coarse[plane * 64 + 8 * y / H * 8 + 8 * x / W] + 0.25 * fine[i]);
        return tensor(values, shape);
    }

    public void Dispose()
    {
        Outputs.Dispose();
        _case.Dispose();
    }

    private static Tensor Weights(int k, long[] shape, double offset, double scale) =>
        tensor(Unit(k, shape.Aggregate(1L, (product, side) => product * side)).Select(unit => (float)(offset + scale * unit)).ToArray(),
            shape);

    /// <summary>The reference's pseudo-random numbers, of mean 0 and variance 1.</summary>
    private static double[] Unit(int k, long count)
    {
        double[] values = new double[count];
        uint seed = unchecked((uint)(k + 1) * 2246822519u + 374761393u);
        double root = Math.Sqrt(3);
        for (long i = 0; i < count; i++)
        {
            uint h = unchecked((uint)i * 2654435761u + seed);
            h ^= h >> 15;
            h = unchecked(h * 2246822519u);
            h ^= h >> 13;
            h = unchecked(h * 3266489917u);
            h ^= h >> 16;
            values[i] = (h / 4294967296.0 * 2 - 1) * root;
        }
        return values;
    }
}
