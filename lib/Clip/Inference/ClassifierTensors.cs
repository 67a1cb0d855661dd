using System.Runtime.InteropServices;
using ClipNotebooks.Core.Inference;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>A classifier's probabilities as tensors.</summary>
public static class ClassifierTensors
{
    /// <summary>The probability of every class for images that are already embedded.</summary>
    /// <param name="classifier">The classifier.</param>
    /// <param name="embeddings">
    /// (N, E), float32, on the CPU, rows of length 1, as <see cref="ClipEncoder.EncodeImages"/> gives them.
    /// </param>
    /// <returns>
    /// (N, C), float32, 0 to 1; rows sum to 1 unless <see cref="ZeroShotClassifier.IsIndependent"/>. The caller's to dispose.
    /// </returns>
    /// <exception cref="ArgumentException">The embeddings have another width, or are not finite.</exception>
    /// <exception cref="ObjectDisposedException">The classifier or its encoder was disposed.</exception>
    public static Tensor Probabilities(this ZeroShotClassifier classifier, Tensor embeddings)
    {
        ArgumentNullException.ThrowIfNull(classifier);
        ArgumentNullException.ThrowIfNull(embeddings);
        if (embeddings.dim() != 2 || embeddings.shape[1] != classifier.Width)
            throw new ArgumentException($"The embeddings are ({string.Join(", ", embeddings.shape)}); (N, {classifier.Width}) is needed.",
                nameof(embeddings));
        using var scope = NewDisposeScope();
        float[][] rows = [.. MemoryMarshal.Cast<byte, float>(
            embeddings.detach().to(float32).cpu().contiguous().bytes).ToArray().Chunk(classifier.Width)];
        float[] probabilities = [.. classifier.Probabilities(rows).SelectMany(row => row).Select(value => (float)value)];
        return tensor(probabilities, [rows.Length, classifier.ClassNames.Count]).MoveToOuterDisposeScope();                   // (N, C)
    }
}
