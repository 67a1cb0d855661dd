namespace ClipNotebooks.Clip.Models;

/// <summary>The stages of a convolutional image tower.</summary>
public abstract record ConvolutionalConfig
{
    /// <summary>The number of blocks in each stage.</summary>
    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>The number of channels in each stage.</summary>
    public required IReadOnlyList<int> Widths { get; init; }

    /// <summary>
    /// The pixels along one side of a cell of the last stage: the stem makes cells of 4, and each further stage halves their number. 32 for
    /// four stages, 64 for five (MobileCLIP2-S3 and S4).
    /// </summary>
    internal int Stride => 4 << Math.Max(0, Widths.Count - 1);

    /// <summary>Whether both are of one type and have equal depths and widths.</summary>
    public virtual bool Equals(ConvolutionalConfig? other) =>
        other is not null && EqualityContract == other.EqualityContract && Depths.SequenceEqual(other.Depths)
            && Widths.SequenceEqual(other.Widths);

    /// <summary>A hash of the depths and widths.</summary>
    public override int GetHashCode() => HashCode.Combine(Depths.Count, Depths.Sum(), Widths.Sum());

    internal virtual void Validate()
    {
        if (Depths.Count != Widths.Count || Depths.Count is < 4 or > 5) throw new ArgumentException($"Vision.Convolutional " +
            $"has {Depths.Count} depths and {Widths.Count} widths; four or five of each are needed.");
        if (Depths.Min() < 1 || Widths.Min() < 1) throw new ArgumentException($"Vision.Convolutional is {string.Join("-", Depths)} " +
            $"blocks of {string.Join("-", Widths)} channels; each must be at least 1.");
    }
}
