using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Models on disk, in Hugging Face's layout: <c>config.json</c> and <c>model.safetensors</c> under Hugging Face's names; a <c>model.safetensors</c> under openai/CLIP's names is read as well, with
/// or without a configuration. Loading is strict: every tensor of the file is used, every shape fits.
/// </summary>
public static class ClipCheckpoint
{
    private const string ConfigName = "config.json";
    private const string WeightsName = "model.safetensors";

    /// <summary>Loads a model.</summary>
    /// <param name="folder">A folder with <c>model.safetensors</c> and, usually, <c>config.json</c>.</param>
    /// <returns>The model, on the CPU, in float32, in evaluation mode; the caller's to dispose.</returns>
    /// <exception cref="FileNotFoundException">The folder is not there or holds no model; the message says which files were looked for.</exception>
    /// <exception cref="CheckpointException">The files are damaged, or at odds with each other: tensors missing, left over, or of another shape.</exception>
    public static ClipModel FromPretrained(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder)) throw new FileNotFoundException($"There is no model folder at {folder}.", folder);
        string weights = Path.Combine(folder, WeightsName), config = Path.Combine(folder, ConfigName);
        if (!File.Exists(weights))
            throw new FileNotFoundException($"{folder} holds no model: {WeightsName} was looked for (and {ConfigName} beside it).", weights);

        using var file = SafetensorsFile.Open(weights);
        bool openAi = file.Contains("visual.conv1.weight");
        if (!openAi && !File.Exists(config)) throw new FileNotFoundException($"{folder} has {WeightsName} but no {ConfigName}, which says what shape the model has.", config);
        var model = new ClipModel(File.Exists(config) ? HuggingFaceConfig.Load(config) : OpenAiConfig.Infer(file));
        try
        {
            Load(model, file, openAi);
            model.eval();
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Writes <c>config.json</c> and <c>model.safetensors</c> as Hugging Face's <c>CLIPModel</c> loads them. Each file is written beside its place and renamed.</summary>
    /// <param name="model">The model; stays as it is.</param>
    /// <param name="folder">Where to; made if it is not there.</param>
    public static void SavePretrained(ClipModel model, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var (name, tensor) in model.state_dict())
        {
            var source = ParameterNames.HuggingFace(name);
            var parts = source.Sources.Count == 1 ? [tensor] : tensor.chunk(source.Sources.Count, 0);
            foreach (var (key, part) in source.Sources.Zip(parts)) tensors[key] = source.Transposed ? part.t() : part;
        }
        SafetensorsFile.Write(Path.Combine(folder, WeightsName), tensors);

        string config = Path.Combine(folder, ConfigName), beside = $"{config}.{Guid.NewGuid():N}.part";
        try
        {
            File.WriteAllText(beside, HuggingFaceConfig.Text(model.Config));
            File.Move(beside, config, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }

    private static void Load(ClipModel model, SafetensorsFile file, bool openAi)
    {
        var parameters = model.state_dict();
        var sources = parameters.Keys.ToDictionary(name => name, name => openAi ? new ParameterSource([name], false) : ParameterNames.HuggingFace(name), StringComparer.Ordinal);
        var wanted = sources.Values.SelectMany(source => source.Sources).ToHashSet(StringComparer.Ordinal);
        var faults = new List<string>();
        faults.AddRange(wanted.Where(name => !file.Contains(name)).Select(name => $"{name} is missing"));
        faults.AddRange(file.Entries.Where(entry => !wanted.Contains(entry.Name) && !ParameterNames.IsIgnored(entry.Name)).Select(entry => $"{entry.Name} is left over"));
        foreach (var (name, parameter) in parameters)
        {
            var source = sources[name];
            long[] shape = [.. source.Transposed ? parameter.shape.Reverse() : parameter.shape];
            if (source.Sources.Count > 1) shape[0] /= source.Sources.Count;
            foreach (string key in source.Sources.Where(file.Contains))
                if (!file.Entry(key).Shape.SequenceEqual(shape))
                    faults.Add($"{key} is ({string.Join(", ", file.Entry(key).Shape)}), the configuration asks for ({string.Join(", ", shape)}): see {ConfigKey(name)}");
        }
        if (faults.Count > 0)
            throw new CheckpointException($"{file.Path} does not fit its configuration, {faults.Count} tensors differ: {string.Join("; ", faults.Take(12))}{(faults.Count > 12 ? "; …" : "")}.");

        using var _ = no_grad();
        foreach (var (name, parameter) in parameters)
        {
            using var scope = NewDisposeScope();
            var source = sources[name];
            var parts = source.Sources.Select(file.Read).ToList();
            var value = parts.Count == 1 ? parts[0] : cat(parts, 0);
            parameter.copy_(source.Transposed ? value.t() : value);
        }
    }

    /// <summary>The values of config.json that decide a parameter's shape.</summary>
    private static string ConfigKey(string name) => name switch
    {
        "visual.conv1.weight" => "vision_config.hidden_size and patch_size",
        "visual.positional_embedding" => "vision_config.image_size, patch_size and hidden_size",
        "visual.proj" => "projection_dim and vision_config.hidden_size",
        "text_projection" => "projection_dim and text_config.hidden_size",
        "token_embedding.weight" => "text_config.vocab_size and hidden_size",
        "positional_embedding" => "text_config.max_position_embeddings and hidden_size",
        _ => $"{(name.StartsWith("visual.", StringComparison.Ordinal) ? "vision" : "text")}_config.{(name.Contains(".mlp.", StringComparison.Ordinal) ? "intermediate_size and " : "")}hidden_size",
    };
}
