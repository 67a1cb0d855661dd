using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Core.Inference;

/// <summary>
/// A CLIP that is opened when it is first used, or by <see cref="LoadAsync"/>: an application starts, and its services are put together,
/// without a model being read or downloaded. An opening that fails is tried again by the next use. Thread-safe: of several that use it
/// first one opens it, and the others wait.
/// </summary>
public sealed class LazyClipEncoder : IClipEncoder
{
    private readonly Lock _opening = new();
    private readonly Func<IClipEncoder> _open;
    private volatile IClipEncoder? _encoder;
    private bool _disposed;

    /// <summary>Opens nothing.</summary>
    /// <param name="open">Opens the model, which is disposed with this object.</param>
    public LazyClipEncoder(Func<IClipEncoder> open)
    {
        ArgumentNullException.ThrowIfNull(open);
        _open = open;
    }

    /// <summary>Whether the model is there.</summary>
    public bool IsLoaded => _encoder is not null;

    /// <inheritdoc/>
    public ClipProcessor Processor => Encoder.Processor;

    /// <inheritdoc/>
    public string? Source => Encoder.Source;

    /// <inheritdoc/>
    public string? SourceStamp => Encoder.SourceStamp;

    /// <inheritdoc/>
    public int Width => Encoder.Width;

    /// <inheritdoc/>
    public double Scale => Encoder.Scale;

    /// <inheritdoc/>
    public double Bias => Encoder.Bias;

    /// <inheritdoc/>
    public bool IsSigmoid => Encoder.IsSigmoid;

    private IClipEncoder Encoder
    {
        get
        {
            if (_encoder is { } opened) return opened;
            lock (_opening)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return _encoder ??= _open();
            }
        }
    }

    /// <summary>Opens the model on the thread pool, unless it is there: before the first request, or when there is time.</summary>
    /// <param name="cancellationToken">Ends the waiting; an opening under way goes on.</param>
    /// <returns>The model itself, which stays this object's.</returns>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public Task<IClipEncoder> LoadAsync(CancellationToken cancellationToken = default) =>
        Task.Run(() => Encoder, cancellationToken).WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public string Fingerprint() => Encoder.Fingerprint();

    /// <inheritdoc/>
    public float[][] EmbedImages(IReadOnlyList<RasterImage> images, IReadOnlyList<string>? names = null) =>
        Encoder.EmbedImages(images, names);

    /// <inheritdoc/>
    public float[][] EmbedPixels(IReadOnlyList<float[]> pixels, IReadOnlyList<string>? names = null) =>
        Encoder.EmbedPixels(pixels, names);

    /// <inheritdoc/>
    public float[][] EmbedTexts(IReadOnlyList<string> texts) => Encoder.EmbedTexts(texts);

    /// <summary>Ends the model, if it was opened; waits for an opening under way.</summary>
    public void Dispose()
    {
        lock (_opening)
        {
            _disposed = true;
            _encoder?.Dispose();
        }
    }
}
