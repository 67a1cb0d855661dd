namespace ClipNotebooks.Core.Inference;

/// <summary>The limits of a <see cref="BatchingEncoder"/>.</summary>
public sealed record BatchingOptions
{
    /// <summary>The most images, or captions, that are encoded at once; at least 1.</summary>
    public int MaxBatch { get; init; } = 32;

    /// <summary>
    /// How long an input waits for others while the model is idle, unless <see cref="MaxBatch"/> inputs wait before; not negative, and at
    /// most a day.
    /// </summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromMilliseconds(2);

    /// <summary>
    /// The most images, and separately the most captions, that may wait; at least <see cref="MaxBatch"/>. A waiting image is held as
    /// pixels: 600 kB for a model of 224 × 224.
    /// </summary>
    public int MaxQueue { get; init; } = 256;

    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    internal BatchingOptions Validated()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBatch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxWait, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxWait, TimeSpan.FromDays(1));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxQueue, MaxBatch);
        return this;
    }
}
