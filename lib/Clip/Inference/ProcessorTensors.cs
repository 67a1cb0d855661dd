using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using static TorchSharp.torch;
using Padding = ClipNotebooks.Core.Text.Padding;

namespace ClipNotebooks.Clip.Inference;

/// <summary>A processor's outputs as a model's inputs: tensors.</summary>
public static class ProcessorTensors
{
    /// <summary>Images to pixels.</summary>
    /// <returns>
    /// (B, 3, R, R), float32, normalised, or what <see cref="ClipImageTransform.Shape"/> says of an image; the caller's to dispose.
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

    /// <summary>Captions to token ids, cut at the context length where they are longer.</summary>
    /// <param name="processor">The model's.</param>
    /// <param name="texts">B captions.</param>
    /// <param name="padding">How long rows become; the context length for models of which <see cref="TextConfig.NeedsFullRows"/>.</param>
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
