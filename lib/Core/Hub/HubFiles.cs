using System.Text.Json;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Hub;

/// <summary>The files of a repository that a model is read from: weights, or graphs.</summary>
internal abstract class HubFiles
{
    /// <summary>Weights with their configuration, in the best form that there is (<see cref="CheckpointFolder.Forms"/>).</summary>
    internal static HubFiles Weights { get; } = new WeightFiles();

    /// <summary>ONNX graphs: the first of several sets of files that is complete, each graph with its files of external data.</summary>
    /// <param name="sets">Names in the repository, such as <c>onnx/vision_model.onnx</c>; the best set first.</param>
    internal static HubFiles Graphs(IReadOnlyList<string[]> sets) => new GraphFiles(sets);

    /// <summary>What was looked for, for error messages.</summary>
    internal abstract string LookedFor { get; }

    /// <summary>Whether a snapshot in the cache has all of them.</summary>
    internal abstract bool AreIn(string folder);

    /// <summary>Fetches the files.</summary>
    /// <param name="names">Every file of the repository.</param>
    /// <param name="folder">The snapshot, which has the small files already.</param>
    /// <param name="fetchAsync">Fetches one file and gives its path.</param>
    /// <returns>
    /// The model's main files, its graphs or its weights (or the weights' index); empty if the repository has no such model.
    /// </returns>
    /// <exception cref="HubException">The index of the weights cannot be read as one.</exception>
    internal abstract Task<IReadOnlyList<string>> FetchAsync(
        IReadOnlySet<string> names, string folder, Func<string, Task<string>> fetchAsync);

    internal static bool IsIndex(string weights) => weights.EndsWith(".index.json", StringComparison.Ordinal);

    internal static List<string> Shards(string index)
    {
        try
        {
            if (ModelFile.Fault(index) is { } fault) throw new JsonException(fault + ".");
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            return [.. json.RootElement.GetProperty("weight_map").EnumerateObject()
                .Select(entry => entry.Value.GetString() ?? throw new JsonException($"\"{Quote.Cut(entry.Name)}\" is in no file (null)."))
                .Distinct(StringComparer.Ordinal)];
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new HubException(
                $"{index} is not an index of shards: {Quote.Cut(exception.Message)} Delete it, and it is fetched again; " +
                "if it comes so again, the model's publisher has to mend it.", exception);
        }
    }

    private sealed class WeightFiles : HubFiles
    {
        internal override string LookedFor =>
            $"{string.Join(", ", CheckpointFolder.Forms.Select(form => form.Weights))} were looked for, with their configuration";

        internal override bool AreIn(string folder)
        {
            bool IsThere(string name) => ModelFile.IsThere(Path.Combine(folder, name));
            var form = CheckpointFolder.Forms.FirstOrDefault(form => IsThere(form.Weights) && Fits(form.Configs, folder, IsThere));
            return form.Weights is { } weights && (!IsIndex(weights) || Shards(Path.Combine(folder, weights)).All(IsThere));
        }

        internal override async Task<IReadOnlyList<string>> FetchAsync(
            IReadOnlySet<string> names, string folder, Func<string, Task<string>> fetchAsync)
        {
            var form = CheckpointFolder.Forms.FirstOrDefault(
                form => names.Contains(form.Weights) && Fits(form.Configs, folder, names.Contains));
            if (form.Weights is null) return [];
            string weights = await fetchAsync(form.Weights);
            if (IsIndex(form.Weights))
                foreach (string shard in Shards(weights)) await fetchAsync(shard);
            return [weights];
        }

        /// <summary>Whether the configuration that belongs to a form of weights exists, and describes a whole model.</summary>
        private static bool Fits(string[] configs, string folder, Func<string, bool> exists) =>
            configs.FirstOrDefault(exists) is { } config && CheckpointFolder.DescribesModel(Path.Combine(folder, config));
    }

    private sealed class GraphFiles(IReadOnlyList<string[]> sets) : HubFiles
    {
        internal override string LookedFor =>
            $"{string.Join(", or ", sets.Select(set => string.Join(" with ", set)))} were looked for: the model as ONNX";

        internal override bool AreIn(string folder) =>
            sets.Any(set => set.All(name => ModelFile.IsThere(Path.Combine(folder, name))));

        internal override async Task<IReadOnlyList<string>> FetchAsync(
            IReadOnlySet<string> names, string folder, Func<string, Task<string>> fetchAsync)
        {
            List<string> graphs = [];
            foreach (string graph in sets.FirstOrDefault(set => set.All(names.Contains)) ?? [])
            {
                // The external data first, so that a graph in the cache always has its data.
                foreach (string numbers in names.Where(name => name.StartsWith(graph + "_data", StringComparison.Ordinal)))
                    await fetchAsync(numbers);
                graphs.Add(await fetchAsync(graph));
            }
            return graphs;
        }
    }
}
