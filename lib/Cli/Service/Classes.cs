using ClipNotebooks.Core.Inference;

namespace ClipNotebooks.Cli.Service;

/// <summary>
/// Classifiers for lists of labels, each made when it is first asked for, one at a time. The last few are kept, since clients ask again
/// with the same labels. Thread-safe.
/// </summary>
internal sealed class Classes(IClipEncoder encoder) : IDisposable
{
    private const int Kept = 16;

    private readonly SemaphoreSlim _making = new(1);
    private readonly LinkedList<(string Key, ZeroShotClassifier Classifier)> _recent = new();

    /// <summary>A classifier of these labels.</summary>
    /// <param name="labels">C names, none of them empty or repeated.</param>
    /// <param name="templates">Sentences with a gap for the name.</param>
    /// <param name="multiLabel">Whether a picture may show several classes or none.</param>
    /// <param name="token">Stops waiting.</param>
    internal async Task<ZeroShotClassifier> OfAsync(
        IReadOnlyList<string> labels, IReadOnlyList<string> templates, bool multiLabel, CancellationToken token)
    {
        // With lengths: whatever a label holds, two sets of labels never make the same key.
        string key = string.Concat([$"{multiLabel} {labels.Count} ", .. labels.Concat(templates).Select(each => $"{each.Length}:{each}")]);
        await _making.WaitAsync(token);
        try
        {
            var known = _recent.FirstOrDefault(each => each.Key == key);
            if (known.Key is not null) _recent.Remove(known);
            else known = (key, await Task.Run(() => new ZeroShotClassifier(encoder, labels, templates, multiLabel), token));
            _recent.AddFirst(known);
            // The classifier that drops out may be in use, so it is left to the garbage collector.
            if (_recent.Count > Kept) _recent.RemoveLast();
            return known.Classifier;
        }
        finally
        {
            _making.Release();
        }
    }

    public void Dispose() => _making.Dispose();
}
