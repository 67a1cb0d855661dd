using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// Named intermediate values of a forward pass. A transformer records <c>hidden.0</c> before the first block, <c>hidden.i</c> after block i
/// (from 1), (B, N, D), and <c>attention.i</c>, the weights of block i, (B, H, N, N); it then computes attention by the explicit softmax.
/// Owns its tensors.
/// </summary>
public sealed class Trace : IDisposable
{
    private readonly Dictionary<string, Tensor> _values = [];

    /// <summary>The names, in the order of the forward.</summary>
    public IReadOnlyCollection<string> Names => _values.Keys;

    /// <summary>One intermediate value, detached; the trace still owns it.</summary>
    /// <exception cref="KeyNotFoundException">Nothing was recorded under that name; the message lists the names.</exception>
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
