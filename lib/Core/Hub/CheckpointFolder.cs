using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Hub;

/// <summary>The files of one model: the weights, and the configuration beside them.</summary>
/// <param name="Weights">The weights' file, or the index of its shards.</param>
/// <param name="Config">The configuration's file; null where the configuration is derived from the weights.</param>
internal sealed record CheckpointFolder(string Weights, string? Config)
{
    internal const string HuggingFaceConfigName = "config.json";
    internal const string OpenClipConfigName = "open_clip_config.json";
    internal const string HuggingFaceWeightsName = "model.safetensors";
    internal const string OpenClipWeightsName = "open_clip_model.safetensors";

    /// <summary>The names of weights' files, the preferred form first, each with the configurations that may belong to it.</summary>
    internal static readonly (string Weights, string[] Configs)[] Forms =
    [
        (HuggingFaceWeightsName, [HuggingFaceConfigName, OpenClipConfigName]),
        ("model.safetensors.index.json", [HuggingFaceConfigName, OpenClipConfigName]),
        (OpenClipWeightsName, [OpenClipConfigName]),
        ("pytorch_model.bin", [HuggingFaceConfigName, OpenClipConfigName]),
        ("pytorch_model.bin.index.json", [HuggingFaceConfigName, OpenClipConfigName]),
        ("open_clip_pytorch_model.bin", [OpenClipConfigName]),
    ];

    /// <summary>Finds the model in a folder, or the one that a file of weights belongs to.</summary>
    /// <exception cref="FileNotFoundException">There is no model; the message says which names were looked for.</exception>
    internal static CheckpointFolder Find(string path)
    {
        if (File.Exists(path))
        {
            string beside = Path.GetDirectoryName(Path.GetFullPath(path))!, name = Path.GetFileName(path);
            string[] configs = Forms.FirstOrDefault(form => form.Weights == name).Configs ?? [HuggingFaceConfigName, OpenClipConfigName];
            return new CheckpointFolder(path, Existing(beside, configs));
        }
        if (!Directory.Exists(path))
            throw new FileNotFoundException($"There is no model folder at {path}. Name a folder with a model, a file of weights, or a " +
                $"model of the Hub such as openai/clip-vit-base-patch32.", path);
        return Present(path) ?? throw new FileNotFoundException(
            $"{path} holds no model: {string.Join(", ", Forms.Select(form => form.Weights))} were looked for ({HuggingFaceConfigName} or " +
                $"{OpenClipConfigName} beside them). Name the folder that has them, or the file of weights itself.", path);
    }

    /// <summary>The configuration of a folder's model, whatever the form of its weights; null if there is none.</summary>
    internal static string? ConfigIn(string folder) =>
        Present(folder) is { } found ? found.Config : Existing(folder, [HuggingFaceConfigName, OpenClipConfigName]);

    /// <summary>
    /// Deletes from a folder, in which a whole model has just been written, the forms that would be found in its place: their weights (of
    /// shards the index) and, with these, their configuration. What is found after the written form stays, and so does a lone image tower.
    /// </summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="written">The weights' name of the form that was written.</param>
    internal static void RemoveSuperseded(string folder, string written)
    {
        while (Present(folder) is { } found && Path.GetFileName(found.Weights) != written)
        {
            File.Delete(found.Weights);
            if (found.Config is { } config && !IsOpenClips(config)) File.Delete(config);
        }
    }

    private static CheckpointFolder? Present(string folder)
    {
        var present = Forms.Where(form => File.Exists(Path.Combine(folder, form.Weights)))
            .Select(form => new CheckpointFolder(Path.Combine(folder, form.Weights), Existing(folder, form.Configs))).ToList();
        return present.Find(form => form.Config is { } config && DescribesModel(config)) ?? present.FirstOrDefault();
    }

    /// <summary>The files that a tokenizer or an image recipe may be in.</summary>
    private static readonly string[] Companions =
    [
        "preprocessor_config.json", "processor_config.json", OpenClipConfigName, "tokenizer.json", "tokenizer_config.json",
        "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "vocab.txt", "spiece.model", "sentencepiece.bpe.model",
    ];

    /// <summary>Copies the existing files of a model's tokenizer and image recipe, overwriting those in the other folder.</summary>
    internal static void CopyCompanions(string from, string to)
    {
        foreach (string name in Companions)
            if (File.Exists(Path.Combine(from, name))) File.Copy(Path.Combine(from, name), Path.Combine(to, name), overwrite: true);
    }

    internal bool IsOpenClip => Config is not null && IsOpenClips(Config);

    internal static bool IsOpenClips(string config) => Path.GetFileName(config) == OpenClipConfigName;

    /// <summary>
    /// Whether a configuration describes a whole model; also true for a damaged one, whose reader reports the damage. Beside OpenCLIP's
    /// model, timm's repositories hold a lone image tower with timm's own config.json.
    /// </summary>
    internal static bool DescribesModel(string config)
    {
        if (Path.GetFileName(config) != HuggingFaceConfigName) return true;
        try
        {
            return ModelFile.Fault(config) is not null || JsonNode.Parse(File.ReadAllBytes(config)) is not JsonObject values
                || values.ContainsKey("model_type") || values.ContainsKey("vision_config") || values.ContainsKey("text_config");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            return true; // damaged: whoever reads it says how
        }
    }

    private static string? Existing(string folder, string[] names) =>
        names.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
