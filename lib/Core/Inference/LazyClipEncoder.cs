using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Core.Inference;

/// <summary>
/// A CLIP model that is opened on first use, or by <see cref="LoadAsync"/>, so that an application starts without reading or downloading
/// it. If opening fails, the next use tries again. Thread-safe: of several concurrent first uses one opens the model, and the others wait.
/// </summary>
public sealed class LazyClipEncoder : IClipEncoder
{
    private readonly Lock _opening = new();
    private readonly Func<IClipEncoder> _open;
    private volatile IClipEncoder? _encoder;
    private volatile bool _disposed;

    /// <summary>Keeps the function, and opens nothing yet.</summary>
    /// <param name="open">Opens the model, which is disposed with this object.</param>
    public LazyClipEncoder(Func<IClipEncoder> open)
    {
        ArgumentNullException.ThrowIfNull(open);
        _open = open;
    }

    /// <summary>Whether the model has been opened, and not been disposed yet.</summary>
    public bool IsLoaded => _encoder is not null;

    internal bool IsDisposed => _disposed;

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

    /// <summary>Opens the model on the thread pool, unless it is open: before the first request, for example.</summary>
    /// <param name="cancellationToken">Ends the wait; an opening in progress continues.</param>
    /// <returns>The model itself; this object disposes it.</returns>
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

    /// <summary>Disposes the model, if it was opened; waits for an opening in progress.</summary>
    public void Dispose()
    {
        lock (_opening)
        {
            _disposed = true;
            _encoder?.Dispose();
            _encoder = null;
        }
    }
}
