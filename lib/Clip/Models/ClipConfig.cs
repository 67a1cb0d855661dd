namespace ClipNotebooks.Clip.Models;

/// <summary>The shape of a CLIP model: two towers and their shared space. Immutable; <see cref="ClipModel"/> validates it once.</summary>
public sealed record ClipConfig
{
    /// <summary>The image tower.</summary>
    public required VisionConfig Vision { get; init; }

    /// <summary>The text tower.</summary>
    public required TextConfig Text { get; init; }

    /// <summary>E, the width of the shared space.</summary>
    public required int EmbeddingWidth { get; init; }

    /// <summary>The non-linearity of both towers' MLPs, unless a tower sets its own.</summary>
    public Activation Activation { get; init; } = Activation.QuickGelu;

    /// <summary>ε of every layer normalisation, unless a tower sets its own.</summary>
    public double LayerNormEpsilon { get; init; } = 1e-5;

    /// <summary>The temperature τ at the start of training (paper, section 2.5: 0.07); LogitScale starts at ln(1 / τ).</summary>
    public double InitialTemperature { get; init; } = 0.07;

    /// <summary>
    /// The logits' bias when training starts, for a model trained with a sigmoid for each pair (SigLIP paper, section 3.2: −10); null for
    /// one trained with a softmax over the batch, as CLIP is.
    /// </summary>
    public double? InitialBias { get; init; }

    /// <summary>Whether the logits' scale and bias have the shape (1), as in SigLIP; by default they are scalars, ().</summary>
    public bool HasListedScale { get; init; }

    /// <summary>
    /// Whether the sigmoid of a logit is the probability that image and text belong together, independently of other texts.
    /// </summary>
    public bool IsSigmoid => InitialBias is not null;

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

    /// <summary>
    /// OpenCLIP's ViT-H/14, with heads 80 wide and GELU: 986,109,441 parameters (its <c>model_configs/ViT-H-14.json</c>).
    /// </summary>
    public static ClipConfig ViTH14 { get; } = OpenClip(1280, 32, 80, 5120, 24, 1024, 1024);

    /// <summary>
    /// OpenCLIP's ViT-g/14, with heads 88 wide, GELU and an MLP 4.3637 times as wide: 1,366,678,273 parameters (its
    /// <c>model_configs/ViT-g-14.json</c>).
    /// </summary>
    public static ClipConfig ViTg14 { get; } = OpenClip(1408, 40, 88, 6144, 24, 1024, 1024);

    /// <summary>
    /// OpenCLIP's ViT-bigG/14, with heads 104 wide, GELU and an MLP 4.9231 times as wide: 2,539,567,105 parameters (its
    /// <c>model_configs/ViT-bigG-14.json</c>).
    /// </summary>
    public static ClipConfig ViTBigG14 { get; } = OpenClip(1664, 48, 104, 8192, 32, 1280, 1280);

    /// <summary>SigLIP-B/16 (<c>google/siglip-base-patch16-224</c>): 203,155,970 parameters.</summary>
    public static ClipConfig SiglipBasePatch16 { get; } = Siglip(224, 16, 768, 12, 12, 3072);

    /// <summary>SigLIP-SO400M/14@384px (<c>google/siglip-so400m-patch14-384</c>), with heads 72 wide: 877,960,498 parameters.</summary>
    public static ClipConfig SiglipSo400mPatch14At384 { get; } = Siglip(384, 14, 1152, 27, 16, 4304);

    internal BlockShape VisionBlock => new(Vision.Width, Vision.Heads, Vision.MlpWidth ?? 4 * Vision.Width, Vision.Activation
        ?? Activation, Vision.LayerNormEpsilon ?? LayerNormEpsilon)
    {
        LayerScale = Vision.LayerScale,
        Options = Vision.Block,
    };

    internal BlockShape TextBlock => new(Text.Width, Text.Heads, Text.MlpWidth ?? 4 * Text.Width, Text.Activation ?? Activation,
        Text.LayerNormEpsilon ?? LayerNormEpsilon)
    {
        LayerScale = Text.LayerScale,
        Options = Text.Block,
    };

    /// <summary>Refuses shapes that cannot be built, naming the value.</summary>
    /// <exception cref="ArgumentException">A value is out of its range or contradicts another.</exception>
    public void Validate()
    {
        Vision.Validate();
        Text.Validate();
        if (EmbeddingWidth < 1) throw new ArgumentException($"EmbeddingWidth is {EmbeddingWidth}; it must be at least 1.");
        if (!(LayerNormEpsilon > 0)) throw new ArgumentException($"LayerNormEpsilon is {LayerNormEpsilon}; it must be above 0.");
        if (!(VisionBlock.LayerNormEpsilon > 0)) throw new ArgumentException($"Vision.LayerNormEpsilon is {Vision.LayerNormEpsilon}; " +
            $"it must be above 0.");
        if (!(TextBlock.LayerNormEpsilon > 0)) throw new ArgumentException($"Text.LayerNormEpsilon is {Text.LayerNormEpsilon}; it " +
            $"must be above 0.");
        if (InitialBias is { } bias && !double.IsFinite(bias)) throw new ArgumentException($"InitialBias is {bias}; a finite number " +
            $"is needed.");
        if (Vision is { IsTransformer: true, Projection: ProjectionKind.None } && Vision.Width != EmbeddingWidth)
            throw new ArgumentException($"Vision.Width is {Vision.Width}; without a projection it must be EmbeddingWidth " +
                $"({EmbeddingWidth}).");
        if (Text.Projection == ProjectionKind.None && Text.PooledWidth != EmbeddingWidth)
            throw new ArgumentException($"Text.Width is {Text.PooledWidth}; without a projection it must be EmbeddingWidth " +
                $"({EmbeddingWidth}).");
        if (Vision.AttentionPool is { MlpWidth: null } pool && EmbeddingWidth % pool.Heads != 0)
            throw new ArgumentException($"Vision.AttentionPool.Heads is {pool.Heads}; it must divide EmbeddingWidth ({EmbeddingWidth}).");
        if (!(InitialTemperature > 0)) throw new ArgumentException($"InitialTemperature is {InitialTemperature}; it must be above 0.");
    }

    /// <summary>
    /// Joins two towers: the image tower's activation and ε become the model's; the text tower keeps its own where they differ.
    /// </summary>
    internal static ClipConfig Join(VisionConfig vision, TextConfig text, int embeddingWidth,
        (Activation Activation, double Epsilon) ofVision, (Activation Activation, double Epsilon) ofText) => new()
    {
        Vision = vision,
        Text = text with { Activation = ofText.Activation == ofVision.Activation ? null : ofText.Activation, LayerNormEpsilon =
            ofText.Epsilon == ofVision.Epsilon ? null : ofText.Epsilon },
        EmbeddingWidth = embeddingWidth,
        Activation = ofVision.Activation,
        LayerNormEpsilon = ofVision.Epsilon,
    };

    internal static ClipConfig Valid(ClipConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        return config;
    }

    private static ClipConfig ViT(int imageSize, int patchSize, int visionWidth, int visionLayers, int textWidth, int embeddingWidth) =>
        new()
    {
        Vision = new VisionConfig { ImageSize = imageSize, PatchSize = patchSize, Width = visionWidth, Layers = visionLayers,
            Heads = visionWidth / 64 },
        Text = new TextConfig { Width = textWidth, Layers = 12, Heads = textWidth / 64 },
        EmbeddingWidth = embeddingWidth,
    };

    private static ClipConfig OpenClip(int visionWidth, int visionLayers, int headWidth, int mlpWidth, int textLayers, int textWidth,
        int embeddingWidth) => new()
    {
        Vision = new VisionConfig { ImageSize = 224, PatchSize = 14, Width = visionWidth, Layers = visionLayers,
            Heads = visionWidth / headWidth, MlpWidth = mlpWidth },
        Text = new TextConfig { Width = textWidth, Layers = textLayers, Heads = textWidth / 64 },
        EmbeddingWidth = embeddingWidth,
        Activation = Activation.Gelu,
    };

    private static ClipConfig Siglip(int imageSize, int patchSize, int width, int layers, int heads, int mlpWidth) => new()
    {
        Vision = SiglipVision(imageSize, patchSize, width, layers, heads, mlpWidth),
        Text = SiglipText(64, 32000, width, layers, heads, mlpWidth),
        EmbeddingWidth = width,
        Activation = Activation.GeluTanh,
        LayerNormEpsilon = 1e-6,
        InitialTemperature = 0.1,
        InitialBias = -10,
        HasListedScale = true,
    };

    /// <summary>SigLIP's image tower: no class token; a learned query pools the patches straight into the shared space.</summary>
    internal static VisionConfig SiglipVision(int imageSize, int patchSize, int width, int layers, int heads, int mlpWidth) => new()
    {
        ImageSize = imageSize,
        PatchSize = patchSize,
        Width = width,
        Layers = layers,
        Heads = heads,
        MlpWidth = mlpWidth,
        Stem = PatchStem.BiasedPatches,
        ClassToken = false,
        NormBefore = false,
        Pooling = VisionPooling.Query,
        AttentionPool = new AttentionPoolConfig { Heads = heads, MlpWidth = mlpWidth },
        Projection = ProjectionKind.None,
    };

    /// <summary>SigLIP's text tower: attention is bidirectional and includes the padding; the last token is pooled.</summary>
    internal static TextConfig SiglipText(int contextLength, int vocabulary, int width, int layers, int heads, int mlpWidth) => new()
    {
        ContextLength = contextLength,
        VocabularySize = vocabulary,
        Width = width,
        Layers = layers,
        Heads = heads,
        MlpWidth = mlpWidth,
        Causal = false,
        Pooling = TextPooling.Last,
        PaddingId = 1,
        Projection = ProjectionKind.Affine,
    };

    private static ClipConfig ResNet(int imageSize, int width, (int, int, int, int) stages, int textWidth, int embeddingWidth) => new()
    {
        Vision = VisionConfig.ResNet(imageSize, width, stages),
        Text = new TextConfig { Width = textWidth, Layers = 12, Heads = textWidth / 64 },
        EmbeddingWidth = embeddingWidth,
    };
}
