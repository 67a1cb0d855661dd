using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Core.Inference;

/// <summary>
/// Shares one model between many concurrent callers, as in a web service: requests that arrive within a few milliseconds, or while the
/// model is busy, are encoded as one batch. A caller who cancels, or whose input is faulty, does not affect the others. Thread-safe.
/// </summary>
public sealed class BatchingEncoder : IAsyncDisposable
{
    private readonly SemaphoreSlim _model = new(1);
    private readonly BatchQueue<float[]> _images;
    private readonly BatchQueue<string> _texts;

    /// <summary>Wraps a model.</summary>
    /// <param name="encoder">The model; the caller disposes it, after this object.</param>
    /// <param name="options">Limits on batches, waiting time and queue length.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit is out of its range.</exception>
    public BatchingEncoder(IClipEncoder encoder, BatchingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        options = (options ?? new BatchingOptions()).Validated();
        Encoder = encoder;
        _images = new(ClipTelemetry.Image, (pixels, names) => encoder.EmbedPixels(pixels, names), options, _model);
        _texts = new(ClipTelemetry.Text, (texts, _) => encoder.EmbedTexts(texts), options, _model);
    }

    /// <summary>The model.</summary>
    public IClipEncoder Encoder { get; }

    /// <summary>The number of images and captions that are waiting.</summary>
    public int Waiting => _images.Waiting + _texts.Waiting;

    /// <summary>Embeds an image. It is resized and cropped on the thread pool, while the model may be working on others.</summary>
    /// <param name="image">Any size.</param>
    /// <param name="name">Its name in error messages.</param>
    /// <param name="cancellationToken">Ends the wait; inputs whose encoding has not begun are dropped.</param>
    /// <returns>E values, L2-normalised.</returns>
    /// <exception cref="InvalidDataException">The model's recipe has no crop, and the image is not square.</exception>
    /// <exception cref="NonFiniteException">The model gives NaN, infinity or only zeros.</exception>
    /// <exception cref="QueueFullException">
    /// The inputs exceed the free places of the queue (<see cref="BatchingOptions.MaxQueue"/>).
    /// </exception>
    /// <exception cref="ObjectDisposedException">This object or the model was disposed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public async Task<float[]> EmbedImageAsync(RasterImage image, string? name = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        float[] pixels = await Task.Run(() => Encoder.Processor.Transform.Apply(image), cancellationToken).ConfigureAwait(false);
        return (await EmbedPixelsAsync([pixels], [name ?? "the image"], cancellationToken).ConfigureAwait(false))[0];
    }

    /// <summary>Embeds pixels that the processor's transform made.</summary>
    /// <param name="pixels">N images, as <see cref="IClipEncoder.EmbedPixels"/> takes them; at least one.</param>
    /// <param name="names">Their N names in error messages; by default their places in the list.</param>
    /// <param name="cancellationToken">Ends the wait; inputs whose encoding has not begun are dropped.</param>
    /// <returns>N rows of E values, each L2-normalised.</returns>
    /// <exception cref="ArgumentException">
    /// The list is empty, an image has another number of values, or there are more or fewer names than images.
    /// </exception>
    /// <exception cref="NonFiniteException">The model gives NaN, infinity or only zeros.</exception>
    /// <exception cref="QueueFullException">
    /// The inputs exceed the free places of the queue (<see cref="BatchingOptions.MaxQueue"/>).
    /// </exception>
    /// <exception cref="ObjectDisposedException">This object or the model was disposed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public Task<float[][]> EmbedPixelsAsync(IReadOnlyList<float[]> pixels, IReadOnlyList<string>? names = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.Count == 0) throw new ArgumentException("There is no image: the list is empty.", nameof(pixels));
        if (names is not null && names.Count != pixels.Count)
            throw new ArgumentException($"There are {pixels.Count} images and {names.Count} names.", nameof(names));
        Encoder.Processor.Transform.Require(pixels);
        names ??= [.. Enumerable.Range(1, pixels.Count).Select(place => $"image {place} of {pixels.Count}")];
        return _images.RunAsync(pixels, names, cancellationToken);
    }

    /// <summary>Embeds captions, each cut at the context length.</summary>
    /// <param name="texts">At least one.</param>
    /// <param name="cancellationToken">Ends the wait; inputs whose encoding has not begun are dropped.</param>
    /// <returns>N rows of E values, each L2-normalised.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    /// <exception cref="NonFiniteException">The model gives NaN, infinity or only zeros.</exception>
    /// <exception cref="QueueFullException">
    /// The inputs exceed the free places of the queue (<see cref="BatchingOptions.MaxQueue"/>).
    /// </exception>
    /// <exception cref="ObjectDisposedException">This object or the model was disposed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public Task<float[][]> EmbedTextsAsync(IReadOnlyList<string> texts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count == 0) throw new ArgumentException("There is no caption: the list is empty.", nameof(texts));
        return _texts.RunAsync(texts, texts, cancellationToken);
    }

    /// <summary>Accepts no more inputs, and completes once the waiting ones are answered. The model is not disposed.</summary>
    public async ValueTask DisposeAsync()
    {
        _images.Close();
        _texts.Close();
        await Task.WhenAll(_images.Ended, _texts.Ended).ConfigureAwait(false);
        _model.Dispose();
    }
}
