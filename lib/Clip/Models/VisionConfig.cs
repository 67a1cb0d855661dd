using System.Globalization;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// The shape of an image tower: a Vision Transformer (paper, table 20), a ResNet where <see cref="Stages"/> are set (table 19), or another
/// convolutional tower (<see cref="Convolutional"/>). What is not set is as in CLIP.
/// </summary>
public sealed record VisionConfig
{
    /// <summary>R, the side of the square input in pixels; pixels past the last whole patch are ignored.</summary>
    public required int ImageSize { get; init; }

    /// <summary>P, the side of a patch in pixels; 32 for a convolutional tower.</summary>
    public required int PatchSize { get; init; }

    /// <summary>
    /// D, the width of a token; for a ResNet the channels of its stem, for another convolutional tower those of its last stage.
    /// </summary>
    public required int Width { get; init; }

    /// <summary>The number of blocks, over all stages for a convolutional tower.</summary>
    public required int Layers { get; init; }

    /// <summary>H, the number of attention heads; for a ResNet those of its pool.</summary>
    public required int Heads { get; init; }

    /// <summary>The width of the MLP's hidden layer; four times the width by default.</summary>
    public int? MlpWidth { get; init; }

    /// <summary>
    /// The starting value of the factor that a block learns for each channel of its branches (OpenCLIP's <c>ls_init_value</c>); null, as in
    /// every published CLIP, for no such factors.
    /// </summary>
    public double? LayerScale { get; init; }

    /// <summary>The number of blocks in each of a ResNet's four stages; null for another tower.</summary>
    public (int First, int Second, int Third, int Fourth)? Stages { get; init; }

    /// <summary>The shape of a ConvNeXt or a FastViT; null for another tower.</summary>
    public ConvolutionalConfig? Convolutional { get; init; }

    /// <summary>The non-linearity of the blocks' MLPs where it differs from <see cref="ClipConfig.Activation"/>.</summary>
    public Activation? Activation { get; init; }

    /// <summary>ε of the layer normalisations where it differs from <see cref="ClipConfig.LayerNormEpsilon"/>.</summary>
    public double? LayerNormEpsilon { get; init; }

    /// <summary>How the blocks differ from CLIP's.</summary>
    public BlockOptions Block { get; init; } = BlockOptions.Clip;

    /// <summary>How pixels are turned into tokens.</summary>
    public PatchStem Stem { get; init; } = PatchStem.Patches;

    /// <summary>The channels of the first stage of <see cref="PatchStem.InvertedResiduals"/>.</summary>
    public int? StemWidth { get; init; }

    /// <summary>Whether tokens have position embeddings; ViTamin-XL's have none.</summary>
    public bool Positions { get; init; } = true;

    /// <summary>Whether a class token stands before the patches.</summary>
    public bool ClassToken { get; init; } = true;

    /// <summary>Whether the class token has a position embedding.</summary>
    public bool ClassPosition { get; init; } = true;

    /// <summary>The rotary position embedding; null, the default, for none.</summary>
    public RotaryConfig? Rotary { get; init; }

    /// <summary>Whether tokens are normalised before the first block (<c>ln_pre</c>).</summary>
    public bool NormBefore { get; init; } = true;

    /// <summary>
    /// Whether the pooled vector is normalised, instead of the tokens before pooling (OpenCLIP's <c>final_ln_after_pool</c>).
    /// </summary>
    public bool NormAfterPooling { get; init; }

    /// <summary>How the tokens are pooled into one vector.</summary>
    public VisionPooling Pooling { get; init; } = VisionPooling.First;

    /// <summary>The attention pool; null for none.</summary>
    public AttentionPoolConfig? AttentionPool { get; init; }

    /// <summary>How the pooled vector is projected into the shared space.</summary>
    public ProjectionKind Projection { get; init; } = ProjectionKind.Matrix;

    /// <summary>Patches along one side; for a convolutional tower the cells of its last stage.</summary>
    public int Grid => ImageSize / (Convolutional?.Stride ?? PatchSize);

    /// <summary>N: the patches, and the class token where there is one.</summary>
    public int Tokens => Grid * Grid + (ClassToken ? 1 : 0);

    /// <summary>Whether the tower is a <see cref="VisionTransformer"/>.</summary>
    public bool IsTransformer => Stages is null && Convolutional is null;

    /// <summary>
    /// Whether the tower is CLIP's own Vision Transformer except for its sizes. Prepared forms compute such a tower whole, of others at
    /// most the blocks.
    /// </summary>
    internal bool IsClips => this == new VisionConfig
    {
        ImageSize = ImageSize,
        PatchSize = PatchSize,
        Width = Width,
        Layers = Layers,
        Heads = Heads,
        MlpWidth = MlpWidth,
        LayerScale = LayerScale,
        Activation = Activation,
        LayerNormEpsilon = LayerNormEpsilon,
        NormAfterPooling = NormAfterPooling,
    };

    /// <summary>The shape of a <see cref="ModifiedResNet"/>: its pool's heads are 64 wide.</summary>
    /// <param name="imageSize">R, a multiple of 32.</param>
    /// <param name="width">D, the width of the stem; even.</param>
    /// <param name="stages">The number of blocks in each stage.</param>
    public static VisionConfig ResNet(int imageSize, int width, (int First, int Second, int Third, int Fourth) stages) => new()
    {
        ImageSize = imageSize,
        PatchSize = ModifiedResNet.TotalStride,
        Width = width,
        Layers = stages.First + stages.Second + stages.Third + stages.Fourth,
        Heads = Math.Max(1, 32 * width / 64),
        Stages = stages,
    };

    /// <summary>
    /// Whether a side must be a multiple of <see cref="PatchSize"/>: convolutions that halve the grid with a border around it round up, so
    /// that pixels past the last whole cell would make one more. Stems whose windows do not overlap leave such pixels out.
    /// </summary>
    internal bool NeedsWholeCells => Stem == PatchStem.InvertedResiduals;

    internal void Validate()
    {
        if (Stages is { } stages) ValidateResNet(stages);
        else if (Convolutional is { } convolutional) convolutional.Validate();
        else ValidateTransformer();
        if (PatchSize < 1) throw new ArgumentException($"Vision.PatchSize is {PatchSize}; it must be at least 1.");
        if (ImageSize < PatchSize)
            throw new ArgumentException($"Vision.ImageSize is {ImageSize}, less than Vision.PatchSize ({PatchSize}).");
        if (Stages is not null && ImageSize % PatchSize != 0)
            throw new ArgumentException($"Vision.ImageSize is {ImageSize}; a ResNet's must be a multiple of {PatchSize}.");
        if (NeedsWholeCells && ImageSize % PatchSize != 0)
            throw new ArgumentException($"Vision.ImageSize is {ImageSize}; with Vision.Stem {Stem} it must be a multiple of {PatchSize}.");
    }

    private void ValidateTransformer()
    {
        BlockShape.Validate("Vision", Width, Layers, Heads, MlpWidth, LayerScale);
        Block.Validate("Vision");
        if (Rotary is not null && Width / Heads % 4 != 0)
        {
            throw new ArgumentException(
                $"Vision.Heads is {Heads}; with Vision.Rotary a head's width must be a multiple of 4, and it is {Width / Heads}.");
        }
        ValidatePool();
        bool staged = Stem == PatchStem.InvertedResiduals;
        if (staged != StemWidth is > 0)
        {
            string width = StemWidth?.ToString(CultureInfo.InvariantCulture) ?? "not set", needed = staged ? "be at least 1" : "not be set";
            throw new ArgumentException($"Vision.StemWidth is {width}; with Vision.Stem {Stem} it must {needed}.");
        }
        if (Stem is PatchStem.Convolutions or PatchStem.InvertedResiduals && PatchSize != 16)
            throw new ArgumentException($"Vision.PatchSize is {PatchSize}; with Vision.Stem {Stem} a cell has 16 pixels.");
    }

    private void ValidatePool()
    {
        bool asks = Pooling == VisionPooling.Query;
        if (asks && AttentionPool is not { MlpWidth: > 0, Queries: 1 })
            throw new ArgumentException("Vision.Pooling is Query; it needs Vision.AttentionPool with one query and a hidden width.");
        if (AttentionPool is not { } pool) return;
        if (pool.Heads < 1 || pool.Queries < 1 || pool.MlpWidth is < 1 || asks && Width % pool.Heads != 0)
            throw new ArgumentException($"Vision.AttentionPool is {pool}; its sizes must be at least 1, and its heads divide the width.");
        if (pool.MlpWidth is not null && !asks)
            throw new ArgumentException($"Vision.AttentionPool has a hidden width and Vision.Pooling is {Pooling}; Query pools by it.");
    }

    private void ValidateResNet((int First, int Second, int Third, int Fourth) stages)
    {
        if (Math.Min(Math.Min(stages.First, stages.Second), Math.Min(stages.Third, stages.Fourth)) < 1)
            throw new ArgumentException($"Vision.Stages is {stages}; each stage needs at least 1 block.");
        if (Layers != stages.First + stages.Second + stages.Third + stages.Fourth)
            throw new ArgumentException($"Vision.Layers is {Layers}; Vision.Stages {stages} has another number of blocks.");
        if (Width < 2 || Width % 2 != 0) throw new ArgumentException($"Vision.Width is {Width}; a ResNet's must be even and at least 2.");
        if (Heads < 1 || 32 * Width % Heads != 0)
            throw new ArgumentException($"Vision.Heads is {Heads}; it must divide 32 × Vision.Width ({32 * Width}).");
        if (PatchSize != ModifiedResNet.TotalStride)
            throw new ArgumentException($"Vision.PatchSize is {PatchSize}; a ResNet's is {ModifiedResNet.TotalStride}.");
    }
}
