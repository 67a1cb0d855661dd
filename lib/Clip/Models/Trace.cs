using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// What a forward passes through, by name, for whoever asks: <c>hidden.0</c> before the first block, <c>hidden.i</c> after block i
/// (B, N, D), <c>attention.i</c> of block i (B, H, N, N). Owns its tensors. Attention is then computed by the explicit softmax.
/// </summary>
public sealed class Trace : IDisposable
{
    private readonly Dictionary<string, Tensor> _values = [];

    /// <summary>The names, in the order of the forward.</summary>
    public IReadOnlyCollection<string> Names => _values.Keys;

    /// <summary>One intermediate; stays the trace's.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name; the message lists those there are.</exception>
    public Tensor this[string name] => _values.TryGetValue(name, out var value)
        ? value
        : throw new KeyNotFoundException($"The trace has no \"{name}\"; it has {string.Join(", ", Names)}.");

    /// <summary>Frees every tensor.</summary>
    public void Dispose()
    {
        foreach (var value in _values.Values) value.Dispose();
        _values.Clear();
    }

    internal void Record(string name, Tensor value)
    {
        if (_values.Remove(name, out var former)) former.Dispose();
        _values[name] = value.detach().clone().DetachFromDisposeScope();
    }
}
