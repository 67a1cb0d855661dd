using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Core.Inference;

/// <summary>
/// A CLIP model ready for use, on any runtime: <c>ClipEncoder</c> on libtorch, what <c>ClipEncoder.ForInference</c> opens without it,
/// <c>OnnxClipEncoder</c> on ONNX Runtime. Embeds images and captions as L2-normalised vectors in one space, so that the dot product of two
/// is their cosine similarity. Implementations are thread-safe; one that is disposed while other threads embed frees the model once they
/// have finished.
/// </summary>
public interface IClipEncoder : IDisposable
{
    /// <summary>Prepares the model's inputs.</summary>
    ClipProcessor Processor { get; }

    /// <summary>The folder or Hub id that the model was opened from; null for one from memory.</summary>
    string? Source { get; }

    /// <summary>
    /// Identifies the files that the model was opened from by folder, names, lengths, times and first bytes. Models with equal stamps are
    /// one model, so that their fingerprints (<see cref="Fingerprint"/>) need not be computed. Null if the model may have changed since it
    /// was opened, or came from memory.
    /// </summary>
    string? SourceStamp => null;

    /// <summary>E, the length of an embedding.</summary>
    int Width { get; }

    /// <summary>The factor on the cosine similarities that the model learned.</summary>
    /// <exception cref="NonFiniteException">It is not finite.</exception>
    double Scale { get; }

    /// <summary>The bias that is added to the logits; 0 where the model has none.</summary>
    /// <exception cref="NonFiniteException">It is not finite.</exception>
    double Bias { get; }

    /// <summary>
    /// Whether the model was trained with a sigmoid for each pair, so that the sigmoid of a logit is a probability by itself.
    /// </summary>
    bool IsSigmoid { get; }

    /// <summary>
    /// Identifies the model by what determines its embeddings: weights, image transform and tokenizer. Stored with embeddings, it tells
    /// whether a given model made them. Reads the weights once. Of the image transform it has sizes, resize, filter, mean and standard
    /// deviation. Not in it is what differs between Hugging Face's and OpenCLIP's recipes of one model, when an image becomes RGB and how
    /// an odd crop is rounded: what was embedded with a model in one layout is searched with it in the other.
    /// </summary>
    /// <returns>
    /// 64 hexadecimal digits (SHA-256). A model has the same fingerprint in float32 and bfloat16, and as ONNX if this project exported it
    /// in float32 or float16; in 8 bits it has another. Loaded in float16 it has the same if its weights are float16's own, as of a file
    /// in float16, and otherwise another, since the weights are then rounded twice.
    /// </returns>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    /// <exception cref="IOException">The model keeps no weights to make it of, and its files have changed since it was opened.</exception>
    string Fingerprint();

    /// <summary>Embeds images.</summary>
    /// <param name="images">N images of any size; at least one.</param>
    /// <param name="names">Their names in error messages; by default their places in the list.</param>
    /// <returns>N rows of E values, each L2-normalised.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    /// <exception cref="NonFiniteException">The model gives NaN, infinity or only zeros.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    float[][] EmbedImages(IReadOnlyList<RasterImage> images, IReadOnlyList<string>? names = null);

    /// <summary>Embeds pixels that the processor's transform made, as <see cref="ImageFiles.Prepare"/> does ahead of the model.</summary>
    /// <param name="pixels">N images of 3 · R · R normalised values, or as the transform's <c>Shape</c> says; encoded as one batch.</param>
    /// <param name="names">Their names in error messages; by default their places in the list.</param>
    /// <returns>N rows of E values, each L2-normalised.</returns>
    /// <exception cref="ArgumentException">The list is empty, or an image has another number of values.</exception>
    /// <exception cref="NonFiniteException">The model gives NaN, infinity or only zeros.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    float[][] EmbedPixels(IReadOnlyList<float[]> pixels, IReadOnlyList<string>? names = null);

    /// <summary>Embeds captions, each cut at the context length.</summary>
    /// <returns>N rows of E values, each L2-normalised.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    /// <exception cref="NonFiniteException">The model gives NaN, infinity or only zeros.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    float[][] EmbedTexts(IReadOnlyList<string> texts);
}
