using System.Collections.Concurrent;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;

namespace ClipNotebooks.Clip.Tests.Inference;

/// <summary>A model that notes the size of each batch, can be held back, and fails where it is told to.</summary>
internal sealed class WatchedEncoder(IClipEncoder inner) : IClipEncoder
{
    /// <summary>Closed, the model is busy until it is opened.</summary>
    internal ManualResetEventSlim Gate { get; } = new(initialState: true);

    internal ConcurrentQueue<int> Batches { get; } = new();

    /// <summary>The caption, or the picture's name, that cannot be encoded.</summary>
    internal string? Bad { get; set; }

    public ClipProcessor Processor => inner.Processor;

    public string? Source => inner.Source;

    public int Width => inner.Width;

    public double Scale => inner.Scale;

    public double Bias => inner.Bias;

    public bool IsSigmoid => inner.IsSigmoid;

    public string Fingerprint() => inner.Fingerprint();

    public float[][] EmbedImages(IReadOnlyList<RasterImage> images, IReadOnlyList<string>? names = null) =>
        inner.EmbedImages(images, names);

    public float[][] EmbedPixels(IReadOnlyList<float[]> pixels, IReadOnlyList<string>? names = null)
    {
        Watch(names!);
        return inner.EmbedPixels(pixels, names);
    }

    public float[][] EmbedTexts(IReadOnlyList<string> texts)
    {
        Watch(texts);
        return inner.EmbedTexts(texts);
    }

    public void Dispose()
    {
        inner.Dispose();
        Gate.Dispose();
    }

    private void Watch(IReadOnlyList<string> names)
    {
        Batches.Enqueue(names.Count);
        Gate.Wait(TimeSpan.FromMinutes(1));
        if (Bad is { } bad && names.Contains(bad)) throw new NonFiniteException($"no numbers for {bad}");
    }
}
