using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using Microsoft.Extensions.AI;

namespace ClipNotebooks.Core.Generators;

/// <summary>
/// CLIP's image tower for whatever speaks Microsoft.Extensions.AI: encoded images (PNG, JPEG, WebP, GIF, BMP) to vectors of length 1, in
/// one space with those of <see cref="ClipTextEmbeddingGenerator"/> over the same model. Thread-safe; the model runs on the thread pool.
/// </summary>
public sealed class ClipImageEmbeddingGenerator : IEmbeddingGenerator<DataContent, Embedding<float>>
{
    private readonly Generator _generator;
    private readonly IImageDecoder _decoder;

    /// <summary>Takes a model.</summary>
    /// <param name="encoder">The model.</param>
    /// <param name="modelId">What the metadata call it; null if it has no name.</param>
    /// <param name="ownsEncoder">Whether the model is disposed with the generator.</param>
    /// <param name="decoder">
    /// What decodes the images; SkiaSharp by default, which refuses by its header what claims too many pixels.
    /// </param>
    public ClipImageEmbeddingGenerator(IClipEncoder encoder, string? modelId = null, bool ownsEncoder = false,
        IImageDecoder? decoder = null) =>
        (_generator, _decoder) = (new Generator(encoder, modelId, ownsEncoder), decoder ?? new SkiaImageDecoder());

    /// <summary>Decodes and embeds images.</summary>
    /// <param name="values">N images, as their files' bytes.</param>
    /// <param name="options">Dimensions and model, which may be left out, must be the model's own.</param>
    /// <param name="cancellationToken">Stops between two batches.</param>
    /// <returns>N vectors of (E) values, of length 1, in the order of the images.</returns>
    /// <exception cref="ArgumentException">The options ask for another width or model, or an image is null.</exception>
    /// <exception cref="InvalidDataException">
    /// Bytes are not an image that can be read; the message names it by <see cref="DataContent.Name"/> or its place in the batch.
    /// </exception>
    /// <exception cref="NonFiniteException">The model gives no finite numbers for an image; the message names it alike.</exception>
    /// <exception cref="ObjectDisposedException">The generator was disposed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<DataContent> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        _generator.RunAsync(values, options, Embed, cancellationToken);

    private float[][] Embed(IClipEncoder encoder, DataContent[] images)
    {
        var transform = encoder.Processor.Transform;
        var prepared = ImageFiles.ReadAheadAsync(images.Index(), (entry, stop) =>
        {
            string name = entry.Item.Name ?? $"image {entry.Index + 1}";
            using var image = _decoder.Decode(entry.Item.Data, name, stop);
            return (Name: name, Pixels: transform.Apply(image));
        }, Environment.ProcessorCount, images.Length, CancellationToken.None).ToBlockingEnumerable().ToList();
        return encoder.EmbedPixels([.. prepared.Select(image => image.Pixels)], [.. prepared.Select(image => image.Name)]);
    }

    /// <inheritdoc cref="ClipTextEmbeddingGenerator.GetService"/>
    public object? GetService(Type serviceType, object? serviceKey = null) => _generator.Service(this, serviceType, serviceKey);

    /// <summary>Ends the generator, and the model if it owns it, once what is under way has ended.</summary>
    public void Dispose() => _generator.Dispose();
}
