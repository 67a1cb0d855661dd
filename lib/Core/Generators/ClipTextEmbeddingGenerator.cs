using ClipNotebooks.Core.Inference;
using Microsoft.Extensions.AI;

namespace ClipNotebooks.Core.Generators;

/// <summary>
/// CLIP's text tower behind Microsoft.Extensions.AI's interface: embeds captions as L2-normalised vectors, in one space with those of
/// <see cref="ClipImageEmbeddingGenerator"/> over the same model, so that their dot product is the cosine similarity. Thread-safe; the
/// model runs on the thread pool.
/// </summary>
public sealed class ClipTextEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly Generator _generator;

    /// <summary>Wraps a model.</summary>
    /// <param name="encoder">The model.</param>
    /// <param name="modelId">Its name in the metadata; null if it has none.</param>
    /// <param name="ownsEncoder">Whether the model is disposed with the generator.</param>
    public ClipTextEmbeddingGenerator(IClipEncoder encoder, string? modelId = null, bool ownsEncoder = false) =>
        _generator = new Generator(encoder, modelId, ownsEncoder);

    /// <summary>Embeds captions, each cut at the context length.</summary>
    /// <param name="values">N captions; the empty string is allowed.</param>
    /// <param name="options">Dimensions and model id, if given, must be the model's own.</param>
    /// <param name="cancellationToken">Stops between two batches.</param>
    /// <returns>N L2-normalised vectors of (E) values, in the order of the captions.</returns>
    /// <exception cref="ArgumentException">The options ask for another width or model, or a caption is null.</exception>
    /// <exception cref="NonFiniteException">The model gives NaN, infinity or only zeros for a caption.</exception>
    /// <exception cref="ObjectDisposedException">The generator was disposed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        _generator.RunAsync(values, options, (encoder, texts, _) => encoder.EmbedTexts(texts), cancellationToken);

    /// <summary>
    /// The generator itself, its <see cref="EmbeddingGeneratorMetadata"/> or its <see cref="IClipEncoder"/>; null for anything else.
    /// </summary>
    /// <param name="serviceType">The requested type.</param>
    /// <param name="serviceKey">Null; any other key gives null.</param>
    public object? GetService(Type serviceType, object? serviceKey = null) => _generator.Service(this, serviceType, serviceKey);

    /// <summary>Refuses further calls, and disposes a model that it owns once calls in progress have ended.</summary>
    public void Dispose() => _generator.Dispose();
}
