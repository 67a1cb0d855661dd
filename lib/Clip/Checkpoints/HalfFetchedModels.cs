using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Finds the models of a Hub cache that are incomplete.</summary>
internal static class HalfFetchedModels
{
    /// <summary>
    /// The models whose download did not finish, whose links point to missing files, or, for image-text models only, whose weights are
    /// missing or damaged.
    /// </summary>
    /// <returns>Each model's id, and what is missing.</returns>
    internal static IEnumerable<(string Id, string Missing)> In(string cacheFolder)
    {
        if (!Directory.Exists(cacheFolder)) yield break;
        foreach (string folder in Directory.EnumerateDirectories(cacheFolder, "models--*").Order(StringComparer.Ordinal))
        {
            string id = Path.GetFileName(folder)["models--".Length..].Replace("--", "/", StringComparison.Ordinal);
            string blobs = Path.Combine(folder, "blobs"), snapshots = Path.Combine(folder, "snapshots");
            string[] commits = Directory.Exists(snapshots) ? Directory.GetDirectories(snapshots) : [];
            int parts = Directory.Exists(blobs) ? Directory.GetFiles(blobs, "*.incomplete").Length : 0;
            string[] gone = [.. commits.SelectMany(Directory.EnumerateFiles).Where(path => !ModelFile.IsThere(path))
                .Select(path => Path.GetFileName(path)!).Distinct().Order(StringComparer.Ordinal)];
            if (gone.Length > 0) yield return (id, $"the content of {string.Join(", ", gone)} is gone");
            else if (parts > 0) yield return (id, $"{parts} of its files {(parts == 1 ? "has" : "have")} arrived in part");
            else if (commits.Where(IsImageText).Select(WeightsFault).FirstOrDefault(fault => fault is not null) is { } missing)
                yield return (id, missing);
        }
    }

    /// <summary>Whether a snapshot is of a model that this library may read; other libraries keep theirs in the same cache.</summary>
    private static bool IsImageText(string snapshot)
    {
        string config = Path.Combine(snapshot, CheckpointFolder.HuggingFaceConfigName);
        if (ModelFile.IsThere(Path.Combine(snapshot, CheckpointFolder.OpenClipConfigName))) return true;
        try
        {
            return ModelFile.IsThere(config) && ModelFile.Fault(config) is null
                && JsonNode.Parse(File.ReadAllBytes(config)) is JsonObject values && values.ContainsKey("vision_config");
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Whether the snapshot holds a model in ONNX.</summary>
    private static bool HasGraphs(string snapshot) => new[] { snapshot, Path.Combine(snapshot, "onnx") }
        .Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFiles(folder, "*.onnx")).Any(ModelFile.IsThere);

    private static string? WeightsFault(string snapshot)
    {
        string weights;
        try
        {
            weights = CheckpointFolder.Find(snapshot).Weights;
        }
        catch (FileNotFoundException)
        {
            return HasGraphs(snapshot) ? null : "its weights are not there";
        }
        try
        {
            if (HubFiles.IsIndex(weights))
            {
                var shards = HubFiles.Shards(weights);
                int gone = shards.Count(shard => !ModelFile.IsThere(Path.Combine(snapshot, shard)));
                if (gone > 0) return $"{gone} of its {shards.Count} files of weights are not there";
            }
            CheckpointFolder.Find(snapshot).Open().Dispose();
            return null;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            return $"{Path.GetFileName(weights)} is damaged or cut short";
        }
    }
}
