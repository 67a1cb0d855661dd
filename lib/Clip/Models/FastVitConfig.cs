namespace ClipNotebooks.Clip.Models;

/// <summary>The shape of a <see cref="FastVit"/>.</summary>
public sealed record FastVitConfig : ConvolutionalConfig
{
    /// <summary>The width of an MLP's hidden layer divided by the width of its input.</summary>
    public required double MlpRatio { get; init; }

    /// <summary>The index, from 0, of the first stage whose blocks use attention.</summary>
    public required int AttentionFrom { get; init; }

    /// <summary>The index, from 0, of the first stage whose downsampling uses squeeze and excitation; null if none does.</summary>
    public int? SqueezeFrom { get; init; }

    /// <summary>Whether attention blocks normalise over the channels (MobileCLIP2-S3 and S4) instead of by batch normalisation.</summary>
    public bool ChannelNorm { get; init; }

    /// <summary>Whether the stem's convolutions have a 1 × 1 branch.</summary>
    public bool StemScale { get; init; } = true;

    internal override void Validate()
    {
        base.Validate();
        if (!(MlpRatio > 0)) throw new ArgumentException($"Vision.Convolutional.MlpRatio is {MlpRatio}; it must be above 0.");
        if (AttentionFrom < 0) throw new ArgumentException($"Vision.Convolutional.AttentionFrom is {AttentionFrom}; it must be at " +
            $"least 0.");
        if (Widths.Skip(AttentionFrom).FirstOrDefault(width => width % 32 != 0) is var odd && odd != 0)
            throw new ArgumentException($"Vision.Convolutional.Widths has {odd} where tokens mix by attention; heads are 32 wide, so " +
                $"that a multiple of 32 is needed.");
    }
}
