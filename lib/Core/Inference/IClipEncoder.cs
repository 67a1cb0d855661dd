using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Core.Inference;

/// <summary>
/// A CLIP ready for use, whatever computes it: <c>ClipEncoder</c> on libtorch, <c>OnnxClipEncoder</c> on ONNX Runtime. Images and
/// captions come out as vectors of length 1 in one space, so that a product of two is their cosine similarity. An implementation is
/// thread-safe; disposed while other threads embed, it frees the model once they have ended.
/// </summary>
public interface IClipEncoder : IDisposable
{
    /// <summary>What makes the model's inputs.</summary>
    ClipProcessor Processor { get; }

    /// <summary>The folder or Hub id that the model was opened from; null for one from memory.</summary>
    string? Source { get; }

    /// <summary>
    /// Names the files that the model was opened from by their folder, names, lengths, times and first bytes: where it is the same, so is
    /// <see cref="Fingerprint"/>, which need not be computed again. Null where a model may have changed since, or is from memory.
    /// </summary>
    string? SourceStamp => null;

    /// <summary>E, the length of an embedding.</summary>
    int Width { get; }

    /// <summary>The factor on the cosine similarities that the model learned.</summary>
    /// <exception cref="NonFiniteException">It is not finite.</exception>
    double Scale { get; }

    /// <summary>What is added to the logits; 0 where the model has no bias.</summary>
    /// <exception cref="NonFiniteException">It is not finite.</exception>
    double Bias { get; }

    /// <summary>
    /// Whether the model was trained with a sigmoid for each pair, so that the sigmoid of a logit is a probability by itself.
    /// </summary>
    bool IsSigmoid { get; }

    /// <summary>
    /// Names the model by what decides its embeddings: weights, image transform and tokenizer. Stored with embeddings, it tells whether a
    /// model at hand is the one that made them. Reads the weights once.
    /// </summary>
    /// <returns>
    /// 64 hexadecimal digits (SHA-256). A model keeps its fingerprint in bfloat16 and float16, and as ONNX where this project exported it
    /// in float32 or float16; in 8 bits it is another model.
    /// </returns>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    string Fingerprint();

    /// <summary>Embeds images.</summary>
    /// <param name="images">N images of any size; at least one.</param>
    /// <param name="names">What errors call them; by default their places in the list.</param>
    /// <returns>N rows of E, each of length 1.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    /// <exception cref="NonFiniteException">The model gives no finite numbers.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    float[][] EmbedImages(IReadOnlyList<RasterImage> images, IReadOnlyList<string>? names = null);

    /// <summary>Embeds pixels that the processor's transform made, as <see cref="ImageFiles.Prepare"/> does ahead of the model.</summary>
    /// <param name="pixels">N images of 3 · R · R normalised values, or as the transform's <c>Shape</c> says; encoded as one batch.</param>
    /// <param name="names">What errors call them; by default their places in the list.</param>
    /// <returns>N rows of E, each of length 1.</returns>
    /// <exception cref="ArgumentException">The list is empty, or an image has another number of values.</exception>
    /// <exception cref="NonFiniteException">The model gives no finite numbers.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    float[][] EmbedPixels(IReadOnlyList<float[]> pixels, IReadOnlyList<string>? names = null);

    /// <summary>Embeds captions, each cut at the context length.</summary>
    /// <returns>N rows of E, each of length 1.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    /// <exception cref="NonFiniteException">The model gives no finite numbers.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    float[][] EmbedTexts(IReadOnlyList<string> texts);
}
