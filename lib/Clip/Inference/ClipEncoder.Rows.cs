using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Core.Images;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <content>Embeddings as rows of numbers, for callers that do not use tensors.</content>
public sealed partial class ClipEncoder
{
    /// <inheritdoc/>
    public int Width => _clip.Config.EmbeddingWidth;

    /// <inheritdoc/>
    public string Fingerprint()
    {
        using var use = _calls.Enter();
        return WeightFingerprint.Of(_clip, Processor);
    }

    /// <inheritdoc/>
    public float[][] EmbedImages(IReadOnlyList<RasterImage> images, IReadOnlyList<string>? names = null)
    {
        using var embeddings = EncodeImages(images, names);
        return Rows(embeddings);
    }

    /// <inheritdoc/>
    public float[][] EmbedPixels(IReadOnlyList<float[]> pixels, IReadOnlyList<string>? names = null)
    {
        using var embeddings = EncodePixels(pixels, names);
        return Rows(embeddings);
    }

    /// <inheritdoc/>
    public float[][] EmbedTexts(IReadOnlyList<string> texts)
    {
        using var embeddings = EncodeTexts(texts);
        return Rows(embeddings);
    }

    internal Tensor EncodePixels(IReadOnlyList<float[]> pixels, IReadOnlyList<string>? names)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.Count == 0) throw Empty(nameof(pixels));
        Processor.Transform.Require(pixels);
        using var joined = empty([pixels.Count, .. Processor.Transform.Shape], dtype: float32);    // (B, 3, R, R)
        var target = MemoryMarshal.Cast<byte, float>(joined.bytes);
        foreach (var (i, values) in pixels.Index()) values.CopyTo(target[(i * values.Length)..]);
        return EncodePixels(joined, names);
    }

    private static float[][] Rows(Tensor embeddings) =>
        [.. MemoryMarshal.Cast<byte, float>(embeddings.bytes).ToArray().Chunk((int)embeddings.shape[1])];
}
