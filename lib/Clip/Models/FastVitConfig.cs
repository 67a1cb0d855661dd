namespace ClipNotebooks.Clip.Models;

/// <summary>The shape of a <see cref="FastVit"/>.</summary>
public sealed record FastVitConfig : ConvolutionalConfig
{
    /// <summary>How many times as wide as its input an MLP's hidden layer is.</summary>
    public required double MlpRatio { get; init; }

    /// <summary>The first stage, from 0, in which tokens mix by attention.</summary>
    public required int AttentionFrom { get; init; }

    /// <summary>The first stage, from 0, whose downsampling weighs its channels (squeeze and excitation); none for no such stage.</summary>
    public int? SqueezeFrom { get; init; }

    /// <summary>Whether attention's blocks normalise over channels at each place (MobileCLIP2-S3 and S4), and not over the batch.</summary>
    public bool ChannelNorm { get; init; }

    /// <summary>Whether the stem's convolutions have a branch of 1 × 1.</summary>
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
