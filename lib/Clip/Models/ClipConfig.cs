namespace ClipNotebooks.Clip.Models;

/// <summary>
/// The shape of a CLIP: two towers and the space where they meet. Immutable; <see cref="ClipModel"/> validates it once.
/// </summary>
public sealed record ClipConfig
{
    /// <summary>The image tower.</summary>
    public required VisionConfig Vision { get; init; }

    /// <summary>The text tower.</summary>
    public required TextConfig Text { get; init; }

    /// <summary>E, the width of the shared space.</summary>
    public required int EmbeddingWidth { get; init; }

    /// <summary>The non-linearity of both towers' MLPs.</summary>
    public Activation Activation { get; init; } = Activation.QuickGelu;

    /// <summary>ε of every layer normalisation.</summary>
    public double LayerNormEpsilon { get; init; } = 1e-5;

    /// <summary>The temperature τ at the start of training (paper, section 2.5: 0.07); LogitScale starts at ln(1 / τ).</summary>
    public double InitialTemperature { get; init; } = 0.07;

    /// <summary>ViT-B/32: 151,277,313 parameters.</summary>
    public static ClipConfig ViTB32 { get; } = ViT(224, 32, 768, 12, 512, 512);

    /// <summary>ViT-B/16: 149,620,737 parameters.</summary>
    public static ClipConfig ViTB16 { get; } = ViT(224, 16, 768, 12, 512, 512);

    /// <summary>ViT-L/14: 427,616,513 parameters.</summary>
    public static ClipConfig ViTL14 { get; } = ViT(224, 14, 1024, 24, 768, 768);

    /// <summary>ViT-L/14@336px: 427,944,193 parameters.</summary>
    public static ClipConfig ViTL14At336 { get; } = ViT(336, 14, 1024, 24, 768, 768);

    /// <summary>RN50: 102,007,137 parameters.</summary>
    public static ClipConfig RN50 { get; } = ResNet(224, 64, (3, 4, 6, 3), 512, 1024);

    /// <summary>RN101: 119,688,033 parameters.</summary>
    public static ClipConfig RN101 { get; } = ResNet(224, 64, (3, 4, 23, 3), 512, 512);

    /// <summary>RN50x4: 178,300,601 parameters.</summary>
    public static ClipConfig RN50x4 { get; } = ResNet(288, 80, (4, 6, 10, 6), 640, 640);

    /// <summary>RN50x16: 290,979,217 parameters.</summary>
    public static ClipConfig RN50x16 { get; } = ResNet(384, 96, (6, 8, 18, 8), 768, 768);

    /// <summary>RN50x64: 623,258,305 parameters.</summary>
    public static ClipConfig RN50x64 { get; } = ResNet(448, 128, (3, 15, 36, 10), 1024, 1024);

    /// <summary>OpenCLIP's ViT-H/14, with heads 80 wide and GELU: 986,109,441 parameters (its <c>model_configs/ViT-H-14.json</c>).</summary>
    public static ClipConfig ViTH14 { get; } = OpenClip(1280, 32, 80, 5120, 24, 1024, 1024);

    /// <summary>OpenCLIP's ViT-g/14, with heads 88 wide, GELU and an MLP 4.3637 times as wide: 1,366,678,273 parameters (its <c>model_configs/ViT-g-14.json</c>).</summary>
    public static ClipConfig ViTg14 { get; } = OpenClip(1408, 40, 88, 6144, 24, 1024, 1024);

    /// <summary>OpenCLIP's ViT-bigG/14, with heads 104 wide, GELU and an MLP 4.9231 times as wide: 2,539,567,105 parameters (its <c>model_configs/ViT-bigG-14.json</c>).</summary>
    public static ClipConfig ViTBigG14 { get; } = OpenClip(1664, 48, 104, 8192, 32, 1280, 1280);

    internal BlockShape VisionBlock => new(Vision.Width, Vision.Heads, Vision.MlpWidth ?? 4 * Vision.Width, Activation, LayerNormEpsilon) { LayerScale = Vision.LayerScale };

    internal BlockShape TextBlock => new(Text.Width, Text.Heads, Text.MlpWidth ?? 4 * Text.Width, Activation, LayerNormEpsilon) { LayerScale = Text.LayerScale };

    /// <summary>Refuses shapes that cannot be built, naming the value.</summary>
    /// <exception cref="ArgumentException">A value is out of its range or contradicts another.</exception>
    public void Validate()
    {
        Vision.Validate();
        Text.Validate();
        if (EmbeddingWidth < 1) throw new ArgumentException($"EmbeddingWidth is {EmbeddingWidth}; it must be at least 1.");
        if (!(LayerNormEpsilon > 0)) throw new ArgumentException($"LayerNormEpsilon is {LayerNormEpsilon}; it must be above 0.");
        if (!(InitialTemperature > 0)) throw new ArgumentException($"InitialTemperature is {InitialTemperature}; it must be above 0.");
    }

    internal static ClipConfig Valid(ClipConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        return config;
    }

    private static ClipConfig ViT(int imageSize, int patchSize, int visionWidth, int visionLayers, int textWidth, int embeddingWidth) => new()
    {
        Vision = new VisionConfig { ImageSize = imageSize, PatchSize = patchSize, Width = visionWidth, Layers = visionLayers, Heads = visionWidth / 64 },
        Text = new TextConfig { Width = textWidth, Layers = 12, Heads = textWidth / 64 },
        EmbeddingWidth = embeddingWidth,
    };

    private static ClipConfig OpenClip(int visionWidth, int visionLayers, int headWidth, int mlpWidth, int textLayers, int textWidth, int embeddingWidth) => new()
    {
        Vision = new VisionConfig { ImageSize = 224, PatchSize = 14, Width = visionWidth, Layers = visionLayers, Heads = visionWidth / headWidth, MlpWidth = mlpWidth },
        Text = new TextConfig { Width = textWidth, Layers = textLayers, Heads = textWidth / 64 },
        EmbeddingWidth = embeddingWidth,
        Activation = Activation.Gelu,
    };

    private static ClipConfig ResNet(int imageSize, int width, (int, int, int, int) stages, int textWidth, int embeddingWidth) => new()
    {
        Vision = VisionConfig.ResNet(imageSize, width, stages),
        Text = new TextConfig { Width = textWidth, Layers = 12, Heads = textWidth / 64 },
        EmbeddingWidth = embeddingWidth,
    };
}
