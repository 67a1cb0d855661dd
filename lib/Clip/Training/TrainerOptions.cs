using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// How a CLIP is trained. The defaults are the paper's (section 2.5, table 18) where a small batch allows: AdamW with
/// decay on weights but not on gains and biases, linear warm-up, cosine decay, the scale clamped at 100.
/// </summary>
public sealed record TrainerOptions
{
    /// <summary>Optimizer steps of the whole run; the cosine schedule ends here.</summary>
    public required int Steps { get; init; }

    /// <summary>Largest learning rate, reached at the end of the warm-up (paper, table 20: 5e-4 for ViT-B/32).</summary>
    public double LearningRate { get; init; } = 5e-4;

    /// <summary>Steps of linear warm-up (paper, table 18: 2,000).</summary>
    public int WarmupSteps { get; init; } = 2000;

    /// <summary>Decoupled weight decay of matrices, kernels and embeddings (paper, table 18: 0.2).</summary>
    public double WeightDecay { get; init; } = 0.2;

    /// <summary>AdamW's β₁ (paper, table 18: 0.9).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's β₂ (paper, table 18: 0.98 for vision transformers).</summary>
    public double Beta2 { get; init; } = 0.98;

    /// <summary>AdamW's ε (paper, table 18: 1e-6 for vision transformers).</summary>
    public double Epsilon { get; init; } = 1e-6;

    /// <summary>The L2 norm to which the gradient of all parameters together is clipped.</summary>
    public double MaxGradientNorm { get; init; } = 1.0;

    /// <summary>The largest factor on the logits; the learned scale is clamped to between 1 and this (paper, section 2.5: 100).</summary>
    public double MaxScale { get; init; } = 100;

    /// <summary>
    /// Pairs that go through the towers at a time, for batches whose activations do not fit into memory at once: the gradient is that of
    /// the whole batch, the time that of two forwards and a backward (Gao et al. 2021, "GradCache"). 0, the default: all at once. Not for
    /// image towers with batch normalisation (ResNets, FastViT, MobileCLIP-B), which depends on the whole batch.
    /// </summary>
    public int ChunkSize { get; init; }

    /// <summary>
    /// The element type of the towers' forward and backward. <see cref="ScalarType.BFloat16"/> is mixed precision: the weights, their
    /// updates and the loss stay in float32 (on a processor with bfloat16 instructions, or a GPU).
    /// </summary>
    public ScalarType ComputeType { get; init; } = ScalarType.Float32;

    /// <summary>
    /// The factor by which the learning rate falls from block to block, from a tower's end to its beginning; 1, the default: all alike.
    /// For fine-tuning transformers, where 0.65 to 0.9 are usual (Bao et al. 2021, "BEiT").
    /// </summary>
    public double LayerDecay { get; init; } = 1;

    /// <summary>
    /// The share of <see cref="DistillationLoss"/> in the loss, 0 to 1; the rest is the contrastive loss. 0, the default: no distillation.
    /// Not together with <see cref="ChunkSize"/>.
    /// </summary>
    public double Distillation { get; init; }

    /// <summary>A description of the training data; a checkpoint with another description is refused.</summary>
    public string Data { get; init; } = "";

    /// <summary>
    /// The learning rate at <paramref name="step"/> (from 0): linear warm-up, then half a cosine down to 0.
    /// </summary>
    public double LearningRateAt(long step)
    {
        if (step < WarmupSteps) return LearningRate * (step + 1) / WarmupSteps;
        double progress = Math.Min(1.0, (double)(step - WarmupSteps) / Math.Max(1, Steps - WarmupSteps));
        return LearningRate * 0.5 * (1 + Math.Cos(Math.PI * progress));
    }

    /// <summary>Throws for a value that cannot train, naming it.</summary>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    internal void Validate()
    {
        Require(Steps > 0, nameof(Steps), Steps, "at least 1");
        Require(LearningRate > 0, nameof(LearningRate), LearningRate, "above 0");
        Require(WarmupSteps >= 0 && WarmupSteps <= Steps, nameof(WarmupSteps), WarmupSteps, $"between 0 and {nameof(Steps)} ({Steps})");
        Require(WeightDecay >= 0, nameof(WeightDecay), WeightDecay, "at least 0");
        Require(MaxGradientNorm > 0, nameof(MaxGradientNorm), MaxGradientNorm, "above 0");
        Require(ChunkSize >= 0, nameof(ChunkSize), ChunkSize, "at least 0");
        if (ComputeType is not (ScalarType.Float32 or ScalarType.BFloat16))
            throw new ArgumentException($"TrainerOptions.{nameof(ComputeType)} is {ComputeType}; it must be {ScalarType.Float32} or " +
                $"{ScalarType.BFloat16}.");
        Require(LayerDecay is > 0 and <= 1, nameof(LayerDecay), LayerDecay, "above 0, and at most 1");
        Require(Distillation is >= 0 and <= 1, nameof(Distillation), Distillation, "between 0 and 1");
        Require(Distillation == 0 || ChunkSize == 0, nameof(Distillation), Distillation, $"0 with a {nameof(ChunkSize)}");
        Require(MaxScale >= 1, nameof(MaxScale), MaxScale, "at least 1");
    }

    private static void Require(bool holds, string name, double value, string range)
    {
        if (!holds) throw new ArgumentException($"TrainerOptions.{name} is {value}; it must be {range}.");
    }
}
