using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// A file of one tower as transformers 5 saves it. Its names lack the prefix that they have in a whole model, which this adds.
/// </summary>
internal sealed class BareNames : IWeightFile
{
    private readonly IWeightFile _file;
    private readonly Dictionary<string, string> _names;

    private BareNames(IWeightFile file, string prefix)
    {
        _file = file;
        _names = file.Names.ToDictionary(name => IsProjection(name) ? name : prefix + name, name => name, StringComparer.Ordinal);
    }

    public string Path => _file.Path;

    public IEnumerable<string> Files => _file.Files;

    public IReadOnlyCollection<string> Names => _names.Keys;

    /// <summary>Adds the prefix; returns the file itself if its names have it already.</summary>
    internal static IWeightFile Prefixed(IWeightFile file, string prefix) =>
        file.Names.Any(name => name.StartsWith("embeddings.", StringComparison.Ordinal))
            && !file.Names.Any(name => name.StartsWith(prefix, StringComparison.Ordinal)) ? new BareNames(file, prefix) : file;

    public bool Contains(string name) => _names.ContainsKey(name);

    public IReadOnlyList<long> Shape(string name) => _file.Shape(Own(name));

    public Tensor Read(string name) => _file.Read(Own(name));

    public void ReadInto(string name, Tensor destination) => _file.ReadInto(Own(name), destination);

    public void ReadInto(string name, Span<float> destination) => _file.ReadInto(Own(name), destination);

    public void Dispose() => _file.Dispose();

    private static bool IsProjection(string name) => name.StartsWith("text_projection.", StringComparison.Ordinal)
        || name.StartsWith("visual_projection.", StringComparison.Ordinal);

    private string Own(string name) => _names.TryGetValue(name, out string? own) ? own
        : throw new CheckpointException($"{Path} has no tensor \"{name}\".");
}
