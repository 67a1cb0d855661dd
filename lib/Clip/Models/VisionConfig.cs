namespace ClipNotebooks.Clip.Models;

/// <summary>The shape of an image tower: a Vision Transformer (paper, table 20), or a ResNet where <see cref="Stages"/> are set (table 19).</summary>
public sealed record VisionConfig
{
    /// <summary>R, the side of the square input in pixels; what is left of it past the last whole patch is not looked at.</summary>
    public required int ImageSize { get; init; }

    /// <summary>P, the side of a patch in pixels; 32 for a ResNet, the pixels for a cell of its last grid.</summary>
    public required int PatchSize { get; init; }

    /// <summary>D, the width of a token; for a ResNet that of its stem.</summary>
    public required int Width { get; init; }

    /// <summary>The number of blocks, over all stages for a ResNet.</summary>
    public required int Layers { get; init; }

    /// <summary>H, the number of attention heads; for a ResNet those of its pool.</summary>
    public required int Heads { get; init; }

    /// <summary>The width of the MLP's hidden layer; four times the width by default.</summary>
    public int? MlpWidth { get; init; }

    /// <summary>
    /// Where the factors begin that each block learns for the channels it adds (OpenCLIP's <c>ls_init_value</c>); none, as in every published CLIP, means no such factors.
    /// </summary>
    public double? LayerScale { get; init; }

    /// <summary>The blocks in each of a ResNet's four stages; none for a Vision Transformer.</summary>
    public (int First, int Second, int Third, int Fourth)? Stages { get; init; }

    /// <summary>Patches along one side.</summary>
    public int Grid => ImageSize / PatchSize;

    /// <summary>N: the patches and the class token.</summary>
    public int Tokens => Grid * Grid + 1;

    /// <summary>The shape of a <see cref="ModifiedResNet"/>: its pool's heads are 64 wide.</summary>
    /// <param name="imageSize">R, a multiple of 32.</param>
    /// <param name="width">D, the width of the stem; even.</param>
    /// <param name="stages">The blocks in each stage.</param>
    public static VisionConfig ResNet(int imageSize, int width, (int First, int Second, int Third, int Fourth) stages) => new()
    {
        ImageSize = imageSize,
        PatchSize = ModifiedResNet.TotalStride,
        Width = width,
        Layers = stages.First + stages.Second + stages.Third + stages.Fourth,
        Heads = Math.Max(1, 32 * width / 64),
        Stages = stages,
    };

    internal void Validate()
    {
        if (Stages is { } stages) ValidateResNet(stages);
        else BlockShape.Validate("Vision", Width, Layers, Heads, MlpWidth, LayerScale);
        if (PatchSize < 1) throw new ArgumentException($"Vision.PatchSize is {PatchSize}; it must be at least 1.");
        if (ImageSize < PatchSize) throw new ArgumentException(
            $"Vision.ImageSize is {ImageSize}, less than Vision.PatchSize ({PatchSize}).");
        if (Stages is not null && ImageSize % PatchSize != 0)
            throw new ArgumentException($"Vision.ImageSize is {ImageSize}; a ResNet's must be a multiple of {PatchSize}.");
    }

    private void ValidateResNet((int First, int Second, int Third, int Fourth) stages)
    {
        if (Math.Min(Math.Min(stages.First, stages.Second), Math.Min(stages.Third, stages.Fourth)) < 1)
            throw new ArgumentException($"Vision.Stages is {stages}; each stage needs at least 1 block.");
        if (Layers != stages.First + stages.Second + stages.Third + stages.Fourth)
            throw new ArgumentException($"Vision.Layers is {Layers}; Vision.Stages {stages} has another number of blocks.");
        if (Width < 2 || Width % 2 != 0) throw new ArgumentException($"Vision.Width is {Width}; a ResNet's must be even and at least 2.");
        if (Heads < 1 || 32 * Width % Heads != 0) throw new ArgumentException($"Vision.Heads is {Heads}; it must divide 32 × Vision.Width ({32 * Width}).");
        if (PatchSize != ModifiedResNet.TotalStride) throw new ArgumentException($"Vision.PatchSize is {PatchSize}; a ResNet's is {ModifiedResNet.TotalStride}.");
    }
}
