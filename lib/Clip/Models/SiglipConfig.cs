namespace ClipNotebooks.Clip.Models;

/// <summary>
/// The shape of a SigLIP (Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training"): its image tower gives the shared space itself, its text tower projects into it. Immutable;
/// <see cref="SiglipModel"/> validates it once.
/// </summary>
public sealed record SiglipConfig
{
    /// <summary>The image tower, a Vision Transformer without a class token. Pixels past the last whole patch are not looked at, so the size need be no multiple of the patch.</summary>
    public required VisionConfig Vision { get; init; }

    /// <summary>The text tower. <see cref="TextConfig.EndOfTextId"/> has no meaning here: the last position is pooled.</summary>
    public required TextConfig Text { get; init; }

    /// <summary>The id that ends a text and fills its row up: 1, <c>&lt;/s&gt;</c>, in the published models' vocabulary.</summary>
    public int PaddingId { get; init; } = 1;

    /// <summary>The non-linearity of both towers' MLPs.</summary>
    public Activation Activation { get; init; } = Activation.GeluTanh;

    /// <summary>ε of every layer normalisation.</summary>
    public double LayerNormEpsilon { get; init; } = 1e-6;

    /// <summary>The factor on the cosine similarities at the start of training (paper, section 3.2: 10).</summary>
    public double InitialScale { get; init; } = 10;

    /// <summary>What is added to the logits at the start of training (paper, section 3.2: −10).</summary>
    public double InitialBias { get; init; } = -10;

    /// <summary>E, the width of the shared space: the image tower's.</summary>
    public int EmbeddingWidth => Vision.Width;

    /// <summary>SigLIP-B/16 (<c>google/siglip-base-patch16-224</c>): 203,155,970 parameters.</summary>
    public static SiglipConfig BasePatch16 { get; } = new()
    {
        Vision = new VisionConfig { ImageSize = 224, PatchSize = 16, Width = 768, Layers = 12, Heads = 12 },
        Text = new TextConfig { ContextLength = 64, VocabularySize = 32000, Width = 768, Layers = 12, Heads = 12 },
    };

    /// <summary>SigLIP-SO400M/14@384px (<c>google/siglip-so400m-patch14-384</c>), with heads 72 wide: 877,960,498 parameters.</summary>
    public static SiglipConfig So400mPatch14At384 { get; } = new()
    {
        Vision = new VisionConfig { ImageSize = 384, PatchSize = 14, Width = 1152, Layers = 27, Heads = 16, MlpWidth = 4304 },
        Text = new TextConfig { ContextLength = 64, VocabularySize = 32000, Width = 1152, Layers = 27, Heads = 16, MlpWidth = 4304 },
    };

    internal BlockShape VisionBlock => new(Vision.Width, Vision.Heads, Vision.MlpWidth ?? 4 * Vision.Width, Activation, LayerNormEpsilon) { LayerScale = Vision.LayerScale };

    internal BlockShape TextBlock => new(Text.Width, Text.Heads, Text.MlpWidth ?? 4 * Text.Width, Activation, LayerNormEpsilon) { LayerScale = Text.LayerScale };

    /// <summary>Refuses shapes that cannot be built, naming the value.</summary>
    /// <exception cref="ArgumentException">A value is out of its range or contradicts another.</exception>
    public void Validate()
    {
        if (Vision.Stages is not null) throw new ArgumentException("Vision.Stages is set: a SigLIP has no ResNet.");
        if (Vision.PatchSize < 1) throw new ArgumentException($"Vision.PatchSize is {Vision.PatchSize}; it must be at least 1.");
        if (Vision.ImageSize < Vision.PatchSize) throw new ArgumentException($"Vision.ImageSize is {Vision.ImageSize}; it must be at least Vision.PatchSize ({Vision.PatchSize}).");
        (Vision with { ImageSize = Vision.PatchSize * Vision.Grid }).Validate();
        Text.Validate();
        if (PaddingId < 0 || PaddingId >= Text.VocabularySize) throw new ArgumentException($"PaddingId is {PaddingId}; it must be below Text.VocabularySize ({Text.VocabularySize}).");
        if (!(LayerNormEpsilon > 0)) throw new ArgumentException($"LayerNormEpsilon is {LayerNormEpsilon}; it must be above 0.");
        if (!(InitialScale > 0)) throw new ArgumentException($"InitialScale is {InitialScale}; it must be above 0.");
        if (!double.IsFinite(InitialBias)) throw new ArgumentException($"InitialBias is {InitialBias}; a finite number is needed.");
    }

    internal static SiglipConfig Valid(SiglipConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        return config;
    }
}
