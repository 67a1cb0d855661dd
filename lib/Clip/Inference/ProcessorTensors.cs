using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using static TorchSharp.torch;
using Padding = ClipNotebooks.Core.Text.Padding;

namespace ClipNotebooks.Clip.Inference;

/// <summary>Makes a model's inputs, as tensors, with its processor.</summary>
public static class ProcessorTensors
{
    /// <summary>Turns images into pixels.</summary>
    /// <returns>
    /// (B, 3, R, R), float32, normalised; for a recipe that cuts patches, B times <see cref="ClipImageTransform.Shape"/>. The caller's to
    /// dispose.
    /// </returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    public static Tensor Images(this ClipProcessor processor, IReadOnlyList<RasterImage> images)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0) throw new ArgumentException("There is no image: the list is empty.", nameof(images));
        int stride = processor.Transform.Length;
        var pixels = empty([images.Count, .. processor.Transform.Shape], dtype: float32);  // (B, 3, R, R)
        Parallel.For(0, images.Count, i =>
            processor.Transform.Apply(images[i], MemoryMarshal.Cast<byte, float>(pixels.bytes).Slice(i * stride, stride)));
        return pixels;
    }

    /// <summary>Turns captions into token ids; captions longer than the context length are truncated.</summary>
    /// <param name="processor">The model's processor.</param>
    /// <param name="texts">B captions.</param>
    /// <param name="padding">
    /// The length of the rows; use <see cref="Padding.ContextLength"/> where <see cref="TextConfig.NeedsFullRows"/> is true.
    /// </param>
    /// <returns>(B, L), int64, L being the longest caption's, or the context length; the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    public static Tensor Texts(this ClipProcessor processor, IReadOnlyList<string> texts, Padding padding = Padding.Longest)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count == 0) throw new ArgumentException("There is no caption: the list is empty.", nameof(texts));
        var batch = processor.Tokenizer.Tokenize(texts, truncate: true, padding);
        return tensor(batch.Ids, [batch.Count, batch.Length]); // (B, L)
    }
}
