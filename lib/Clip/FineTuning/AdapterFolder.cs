using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.FineTuning;

/// <summary>
/// Reads and writes adapters in peft's layout: <c>adapter_config.json</c> with the values of <c>LoraConfig</c>, and
/// <c>adapter_model.safetensors</c> with each adapter's two matrices. Their names are <c>base_model.model.</c> and the module's name in
/// transformers, or in OpenCLIP where transformers has no such model.
/// </summary>
internal static partial class AdapterFolder
{
    internal const string ConfigName = "adapter_config.json", WeightsName = "adapter_model.safetensors";

    private const string Prefix = "base_model.model.";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The keys that select other kinds of adapters, each with the values that mean plain LoRA.</summary>
    private static readonly (string Key, string[] Plain)[] Others =
    [
        ("peft_type", ["\"LORA\""]), ("use_dora", ["false"]), ("fan_in_fan_out", ["false"]), ("bias", ["\"none\""]),
            ("modules_to_save", ["[]"]),
        ("rank_pattern", ["{}"]), ("alpha_pattern", ["{}"]), ("layer_replication", ["[]"]), ("trainable_token_indices", ["[]"]),
        ("target_parameters", ["[]"]), ("lora_bias", ["false"]),
    ];

    internal static void Write(string folder, ClipModel model, IReadOnlyList<LowRankAdapter> adapters, string? baseModel)
    {
        var names = Names(model.Config);
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        var targets = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var adapter in adapters)
        {
            string module = Module(names, adapter.Place);
            tensors[$"{Prefix}{module}.lora_A.weight"] = adapter.A;
            tensors[$"{Prefix}{module}.lora_B.weight"] = adapter.B;
            targets.Add(module);
        }
        var first = adapters[0];
        var config = new JsonObject
        {
            ["peft_type"] = "LORA", ["task_type"] = null, ["base_model_name_or_path"] = baseModel, ["inference_mode"] = true,
            ["r"] = first.A.shape[0], ["lora_alpha"] = first.Scale * first.A.shape[0], ["lora_dropout"] = 0.0, ["bias"] = "none",
            ["fan_in_fan_out"] = false, ["init_lora_weights"] = true, ["modules_to_save"] = null, ["layers_to_transform"] = null,
            ["layers_pattern"] = null, ["rank_pattern"] = new JsonObject(), ["alpha_pattern"] = new JsonObject(), ["use_rslora"] = false,
            ["use_dora"] = false, ["target_modules"] = new JsonArray([.. targets.Select(target => JsonValue.Create(target))]),
        };
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        SafetensorsFile.Write(Path.Combine(folder, WeightsName), tensors);
        AtomicFile.Write(Path.Combine(folder, ConfigName), config.ToJsonString(Indented) + "\n");
    }

    /// <exception cref="FileNotFoundException">One of the files is not there.</exception>
    /// <exception cref="CheckpointException">A file is damaged, or belongs to a model of another shape.</exception>
    /// <exception cref="NotSupportedException">The configuration asks for another kind of adapter.</exception>
    internal static List<LowRankAdapter> Read(string folder, ClipModel model)
    {
        string path = Path.Combine(folder, ConfigName), file = Path.Combine(folder, WeightsName);
        foreach (string needed in new[] { path, file })
        {
            if (!File.Exists(needed)) throw new FileNotFoundException(
                $"{folder} holds no {Path.GetFileName(needed)}: adapters are read in peft's layout, {ConfigName} with {WeightsName}.",
                    needed);
        }
        double alpha = ConfigSection.Load(path, root => Alpha(root, path));
        var values = (JsonObject)JsonNode.Parse(File.ReadAllBytes(path))!;
        RequirePlain(values, path);
        bool rankStabilised = values["use_rslora"]?.ToJsonString() == "true";
        using var weights = SafetensorsFile.Open(file);
        var names = Names(model.Config);
        var places = LowRankPlace.In(model).ToDictionary(place => Module(names, place), StringComparer.Ordinal);
        var adapters = new List<LowRankAdapter>();
        try
        {
            var modules = weights.Names.Select(key => ModuleOf(key, file)).Distinct().ToList();
            if (modules.Count == 0) throw new CheckpointException($"{file} holds no tensor. Save the adapter again.");
            foreach (string module in modules)
            {
                if (!places.TryGetValue(module, out var place)) throw new CheckpointException(
                    $"{file} has an addition to \"{Quote.Cut(module)}\", which the model has not. Take the model that the adapter was " +
                    "trained beside; of a CLIP the matrices of attention and MLP are known.");
                adapters.Add(Read(weights, place, module, rank => rankStabilised ? alpha / Math.Sqrt(rank) : alpha / rank));
            }
            return adapters;
        }
        catch
        {
            adapters.ForEach(adapter => adapter.Dispose());
            throw;
        }
    }

    private static LowRankAdapter Read(SafetensorsFile weights, LowRankPlace place, string module, Func<long, double> scale)
    {
        string a = $"{Prefix}{module}.lora_A.weight", b = $"{Prefix}{module}.lora_B.weight";
        long[] down = [.. weights.Shape(a)], up = [.. weights.Shape(b)];
        long inputs = place.Weight.shape[1];
        if (down is not [var rank and > 0, var taken] || taken != inputs || !up.AsSpan().SequenceEqual([place.Rows, rank]))
        {
            throw new CheckpointException($"{weights.Path} has {a} as ({Quote.Shape(down)}) and {b} as ({Quote.Shape(up)}); the model's " +
                $"matrix takes (r, {inputs}) and ({place.Rows}, r). Take the model that the adapter was trained beside.");
        }
        var adapter = new LowRankAdapter(place, (int)rank, scale(rank));
        using var _ = no_grad();
        weights.ReadInto(a, adapter.A);
        weights.ReadInto(b, adapter.B);
        return adapter;
    }

    private static double Alpha(ConfigSection root, string path)
    {
        double alpha = root.Number("lora_alpha", 8);
        return double.IsFinite(alpha) && alpha > 0 ? alpha
            : throw new CheckpointException($"{path}: \"lora_alpha\" is {alpha}; a factor above 0 is needed.");
    }

    /// <exception cref="NotSupportedException">It asks for another kind of adapter.</exception>
    private static void RequirePlain(JsonObject values, string path)
    {
        foreach (var (key, plain) in Others)
        {
            string? said = values[key]?.ToJsonString();
            if (said is not null && !plain.Contains(said))
                throw new NotSupportedException($"{path}: \"{key}\" is {Quote.Cut(said)}, another kind of adapter than plain LoRA. Merge " +
                    "it with peft, and load the merged model.");
        }
    }

    /// <summary>transformers' names, or OpenCLIP's for a model that transformers has no class for, such as one with a ResNet.</summary>
    private static Func<string, ParameterSource> Names(ClipConfig config) => ModelNames.Of(config,
        HuggingFaceFamily.All.Any(family => family.Holds(config)) ? ParameterNaming.HuggingFace : OpenClipConfig.Naming(config));

    /// <summary>
    /// The name of a matrix's module. A third of a joint q, k, v matrix is no module; it is named as if the three were separate.
    /// </summary>
    private static string Module(Func<string, ParameterSource> names, LowRankPlace place)
    {
        var sources = names(place.Parameter).Sources;
        if (sources.Count == 1 && place.IsThird)
        {
            string joint = sources[0].EndsWith(".weight", StringComparison.Ordinal) ? sources[0][..^".weight".Length] : sources[0];
            return $"{joint[..joint.LastIndexOf('.')]}.{"qkv"[place.Part]}_proj";
        }
        string name = sources[sources.Count == 1 ? 0 : place.Part];
        return name[..^".weight".Length];
    }

    private static string ModuleOf(string key, string file) => Key().Match(key) is { Success: true } match ? match.Groups[1].Value
        : throw new CheckpointException($"{file} has a tensor \"{Quote.Cut(key)}\"; base_model.model.….lora_A.weight and lora_B.weight " +
            "are known.");

    [GeneratedRegex(@"^base_model\.model\.(.+)\.lora_[AB]\.weight\z")]
    private static partial Regex Key();
}
