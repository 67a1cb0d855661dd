using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using Microsoft.Extensions.AI;

namespace ClipNotebooks.Core.Generators;

/// <summary>
/// CLIP's image tower behind Microsoft.Extensions.AI's interface: embeds image files (PNG, JPEG, WebP, GIF, BMP) as L2-normalised vectors,
/// in one space with those of <see cref="ClipTextEmbeddingGenerator"/> over the same model. Thread-safe; the model runs on the thread pool.
/// </summary>
public sealed class ClipImageEmbeddingGenerator : IEmbeddingGenerator<DataContent, Embedding<float>>
{
    private readonly Generator _generator;
    private readonly IImageDecoder _decoder;

    /// <summary>Wraps a model.</summary>
    /// <param name="encoder">The model.</param>
    /// <param name="modelId">Its name in the metadata; null if it has none.</param>
    /// <param name="ownsEncoder">Whether the model is disposed with the generator.</param>
    /// <param name="decoder">
    /// The decoder of the images; by default <see cref="SkiaImageDecoder"/>, which refuses images whose header claims too many pixels.
    /// </param>
    public ClipImageEmbeddingGenerator(IClipEncoder encoder, string? modelId = null, bool ownsEncoder = false,
        IImageDecoder? decoder = null) =>
        (_generator, _decoder) = (new Generator(encoder, modelId, ownsEncoder), decoder ?? new SkiaImageDecoder());

    /// <summary>Decodes and embeds images.</summary>
    /// <param name="values">N images, as their files' bytes.</param>
    /// <param name="options">Dimensions and model id, if given, must be the model's own.</param>
    /// <param name="cancellationToken">Stops between two batches.</param>
    /// <returns>N L2-normalised vectors of (E) values, in the order of the images.</returns>
    /// <exception cref="ArgumentException">The options ask for another width or model, or an image is null.</exception>
    /// <exception cref="InvalidDataException">
    /// An image cannot be read; the message names it by <see cref="DataContent.Name"/> or its place among all, from 1.
    /// </exception>
    /// <exception cref="NonFiniteException">
    /// The model gives NaN, infinity or only zeros for an image; the message names it likewise.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The generator was disposed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<DataContent> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        _generator.RunAsync(values, options, Embed, cancellationToken);

    private float[][] Embed(IClipEncoder encoder, DataContent[] images, int first)
    {
        var transform = encoder.Processor.Transform;
        var prepared = ImageFiles.ReadAheadAsync(images.Index(), (entry, stop) =>
        {
            string name = entry.Item.Name ?? $"image {first + entry.Index + 1}";
            using var image = _decoder.Decode(entry.Item.Data, name, stop);
            return (Name: name, Pixels: transform.Apply(image));
        }, Environment.ProcessorCount, images.Length, CancellationToken.None).ToBlockingEnumerable().ToList();
        return encoder.EmbedPixels([.. prepared.Select(image => image.Pixels)], [.. prepared.Select(image => image.Name)]);
    }

    /// <inheritdoc cref="ClipTextEmbeddingGenerator.GetService"/>
    public object? GetService(Type serviceType, object? serviceKey = null) => _generator.Service(this, serviceType, serviceKey);

    /// <summary>Refuses further calls, and disposes a model that it owns once calls in progress have ended.</summary>
    public void Dispose() => _generator.Dispose();
}
