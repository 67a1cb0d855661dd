using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// A file of weights without the prefixes that wrappers in training add to every name: <c>module.</c> (of a model trained on several
/// devices) and <c>_orig_mod.</c> (of <c>torch.compile</c>).
/// </summary>
internal sealed class UnwrappedNames : IWeightFile
{
    private static readonly string[] Wrappers = ["module.", "_orig_mod."];

    private readonly IWeightFile _file;
    private readonly Dictionary<string, string> _names;

    private UnwrappedNames(IWeightFile file, int prefix)
    {
        _file = file;
        _names = file.Names.ToDictionary(name => name[prefix..], name => name, StringComparer.Ordinal);
    }

    public string Path => _file.Path;

    public IEnumerable<string> Files => _file.Files;

    public IReadOnlyCollection<string> Names => _names.Keys;

    /// <summary>Removes the prefixes that all names of a file share; returns the file itself if there are none.</summary>
    internal static IWeightFile Of(IWeightFile file)
    {
        string first = file.Names.FirstOrDefault() ?? "";
        int prefix = 0;
        while (Array.Find(Wrappers, wrapper => first.AsSpan(prefix).StartsWith(wrapper, StringComparison.Ordinal)) is { } wrapper)
            prefix += wrapper.Length;
        while (prefix > 0 && !file.Names.All(name => name.AsSpan().StartsWith(first.AsSpan(0, prefix), StringComparison.Ordinal)))
            prefix = first.LastIndexOf('.', prefix - 2) + 1;
        return prefix == 0 ? file : new UnwrappedNames(file, prefix);
    }

    public bool Contains(string name) => _names.ContainsKey(name);

    public IReadOnlyList<long> Shape(string name) => _file.Shape(Own(name));

    public Tensor Read(string name) => _file.Read(Own(name));

    public void ReadInto(string name, Tensor destination) => _file.ReadInto(Own(name), destination);

    public void ReadInto(string name, Span<float> destination) => _file.ReadInto(Own(name), destination);

    public void Dispose() => _file.Dispose();

    private string Own(string name) =>
        _names.TryGetValue(name, out string? own) ? own : throw new CheckpointException($"{Path} has no tensor \"{Quote.Cut(name)}\".");
}
