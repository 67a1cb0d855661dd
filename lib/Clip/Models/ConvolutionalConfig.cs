namespace ClipNotebooks.Clip.Models;

/// <summary>The stages of a convolutional image tower.</summary>
public abstract record ConvolutionalConfig
{
    /// <summary>The blocks of each stage.</summary>
    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>The channels of each stage.</summary>
    public required IReadOnlyList<int> Widths { get; init; }

    /// <summary>Whether stages are equal, number by number.</summary>
    public virtual bool Equals(ConvolutionalConfig? other) =>
        other is not null && EqualityContract == other.EqualityContract && Depths.SequenceEqual(other.Depths)
            && Widths.SequenceEqual(other.Widths);

    /// <summary>Of the numbers.</summary>
    public override int GetHashCode() => HashCode.Combine(Depths.Count, Depths.Sum(), Widths.Sum());

    internal virtual void Validate()
    {
        if (Depths.Count != Widths.Count || Depths.Count is < 4 or > 5) throw new ArgumentException($"Vision.Convolutional " +
            $"has {Depths.Count} depths and {Widths.Count} widths; four or five of each are needed.");
        if (Depths.Min() < 1 || Widths.Min() < 1) throw new ArgumentException($"Vision.Convolutional is {string.Join("-", Depths)} " +
            $"blocks of {string.Join("-", Widths)} channels; each must be at least 1.");
    }
}
