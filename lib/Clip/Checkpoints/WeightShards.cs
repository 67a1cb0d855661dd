using System.Text.Json;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// A checkpoint in several files, as <c>model.safetensors.index.json</c> or <c>pytorch_model.bin.index.json</c> lists them: its
/// <c>weight_map</c> says which file has which tensor.
/// </summary>
internal sealed class WeightShards : IWeightFile
{
    private readonly Dictionary<string, IWeightFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IWeightFile> _owners = new(StringComparer.Ordinal);

    private WeightShards(string path) => Path = path;

    public string Path { get; }

    public IEnumerable<string> Files => [Path, .. _files.Values.Select(file => file.Path)];

    public IReadOnlyCollection<string> Names => _owners.Keys;

    /// <summary>Opens the files of an index and checks them against it.</summary>
    /// <exception cref="CheckpointException">
    /// The index is damaged, names a file that is missing or in another folder, or contradicts the files.
    /// </exception>
    internal static WeightShards Open(string index)
    {
        var shards = new WeightShards(index);
        try
        {
            string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(index))!;
            foreach (var (name, shard) in ReadIndex(index))
            {
                if (!shards._files.TryGetValue(shard, out var file))
                {
                    string path = System.IO.Path.Combine(folder, shard);
                    if (!File.Exists(path))
                        throw new CheckpointException($"{index} lists {Quote.Cut(shard)} (for \"{Quote.Cut(name)}\"), which is not in " +
                        $"{folder}. Fetch the missing file.");
                    shards._files[shard] = file = CheckpointReading.Open(path);
                }
                if (!file.Contains(name))
                    throw new CheckpointException($"{index} says that \"{Quote.Cut(name)}\" is in {Quote.Cut(shard)}, which does not " +
                    $"have it. Fetch the files again.");
                shards._owners.Add(name, file);
            }
            foreach (var (shard, file) in shards._files)
            {
                if (file.Names.FirstOrDefault(name => !shards._owners.TryGetValue(name, out var owner) || owner != file) is { } stray)
                    throw new CheckpointException($"{Quote.Cut(shard)} has the tensor \"{Quote.Cut(stray)}\", which {index} does not " +
                        $"list there. Fetch the files again.");
            }
            return shards;
        }
        catch
        {
            shards.Dispose();
            throw;
        }
    }

    public bool Contains(string name) => _owners.ContainsKey(name);

    public IReadOnlyList<long> Shape(string name) => Owner(name).Shape(name);

    public Tensor Read(string name) => Owner(name).Read(name);

    public void ReadInto(string name, Tensor destination) => Owner(name).ReadInto(name, destination);

    public void ReadInto(string name, Span<float> destination) => Owner(name).ReadInto(name, destination);

    public void Dispose()
    {
        foreach (var file in _files.Values) file.Dispose();
    }

    private IWeightFile Owner(string name) => _owners.TryGetValue(name, out var file) ? file :
        throw new CheckpointException($"{Path} has no tensor \"{Quote.Cut(name)}\".");

    private static Dictionary<string, string> ReadIndex(string index)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            if (ModelFile.Fault(index) is { } fault)
                throw new CheckpointException($"{index} cannot be read: {fault}. Fetch or copy it again.");
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("weight_map", out var weights))
                throw new CheckpointException($"{index} is not an index of weight files: it has no \"weight_map\".");
            foreach (var entry in weights.EnumerateObject())
            {
                string shard = entry.Value.GetString() ?? "";
                // A shard is in the same folder as its index: a path that leads elsewhere is never followed.
                if (shard.Length == 0 || shard is "." or ".." || shard.AsSpan().IndexOfAny("/\\:\0") >= 0
                    || System.IO.Path.GetExtension(shard) is not (".safetensors" or ".bin"))
                    throw new CheckpointException($"{index} names \"{Quote.Cut(shard)}\" for \"{Quote.Cut(entry.Name)}\"; a file name " +
                        $"that ends in .safetensors or .bin is needed.");
                if (!map.TryAdd(entry.Name, shard)) throw new CheckpointException($"{index} lists \"{Quote.Cut(entry.Name)}\" twice.");
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new CheckpointException($"{index} is not an index of weight files: {exception.Message}", exception);
        }
        return map.Count > 0 ? map : throw new CheckpointException($"{index} lists no tensor.");
    }
}
