using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Core.Inference;

/// <summary>
/// One model for many callers at once, as a web service has them: what they ask for within a few milliseconds, or while the model is
/// busy, is encoded as one batch. A caller who gives up waiting, or whose input is at fault, changes nothing for the others. Thread-safe.
/// </summary>
public sealed class BatchingEncoder : IAsyncDisposable
{
    private readonly SemaphoreSlim _model = new(1);
    private readonly BatchQueue<float[]> _images;
    private readonly BatchQueue<string> _texts;

    /// <summary>Takes a model.</summary>
    /// <param name="encoder">The model; stays the caller's, and has to live as long.</param>
    /// <param name="options">The bounds.</param>
    /// <exception cref="ArgumentOutOfRangeException">A bound is out of its range.</exception>
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

    /// <summary>Images and captions that wait at this moment.</summary>
    public int Waiting => _images.Waiting + _texts.Waiting;

    /// <summary>Embeds an image; resized and cut on the thread pool, beside the model's work.</summary>
    /// <param name="image">Any size.</param>
    /// <param name="name">What errors call it.</param>
    /// <param name="cancellationToken">Gives up waiting; what has not begun is not encoded.</param>
    /// <returns>E values, of length 1.</returns>
    /// <exception cref="InvalidDataException">The model's recipe has no crop, and the image is not square.</exception>
    /// <exception cref="NonFiniteException">The model gives no finite numbers.</exception>
    /// <exception cref="QueueFullException">As many wait as may.</exception>
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
    /// <param name="names">What errors call them; by default their places in the list.</param>
    /// <param name="cancellationToken">Gives up waiting; what has not begun is not encoded.</param>
    /// <returns>N rows of E, each of length 1.</returns>
    /// <exception cref="ArgumentException">The list is empty, or an image has another number of values.</exception>
    /// <exception cref="NonFiniteException">The model gives no finite numbers.</exception>
    /// <exception cref="QueueFullException">As many wait as may.</exception>
    /// <exception cref="ObjectDisposedException">This object or the model was disposed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public Task<float[][]> EmbedPixelsAsync(IReadOnlyList<float[]> pixels, IReadOnlyList<string>? names = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.Count == 0) throw new ArgumentException("There is no image: the list is empty.", nameof(pixels));
        Encoder.Processor.Transform.Require(pixels);
        names ??= [.. Enumerable.Range(1, pixels.Count).Select(place => $"image {place} of {pixels.Count}")];
        return _images.RunAsync(pixels, names, cancellationToken);
    }

    /// <summary>Embeds captions, each cut at the context length.</summary>
    /// <param name="texts">At least one.</param>
    /// <param name="cancellationToken">Gives up waiting; what has not begun is not encoded.</param>
    /// <returns>N rows of E, each of length 1.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    /// <exception cref="NonFiniteException">The model gives no finite numbers.</exception>
    /// <exception cref="QueueFullException">As many wait as may.</exception>
    /// <exception cref="ObjectDisposedException">This object or the model was disposed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public Task<float[][]> EmbedTextsAsync(IReadOnlyList<string> texts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count == 0) throw new ArgumentException("There is no caption: the list is empty.", nameof(texts));
        return _texts.RunAsync(texts, texts, cancellationToken);
    }

    /// <summary>Takes no more, answers what waits, and ends. The model stays.</summary>
    public async ValueTask DisposeAsync()
    {
        _images.Close();
        _texts.Close();
        await Task.WhenAll(_images.Ended, _texts.Ended).ConfigureAwait(false);
        _model.Dispose();
    }
}
