namespace ClipNotebooks.Clip.Models;

/// <summary>The shape of a Vision Transformer (paper, table 20).</summary>
public sealed record VisionConfig
{
    /// <summary>R, the side of the square input in pixels.</summary>
    public required int ImageSize { get; init; }

    /// <summary>P, the side of a patch in pixels.</summary>
    public required int PatchSize { get; init; }

    /// <summary>D, the width of a token.</summary>
    public required int Width { get; init; }

    /// <summary>The number of blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>H, the number of attention heads.</summary>
    public required int Heads { get; init; }

    /// <summary>The width of the MLP's hidden layer; four times the width by default.</summary>
    public int? MlpWidth { get; init; }

    /// <summary>Patches along one side.</summary>
    public int Grid => ImageSize / PatchSize;

    /// <summary>N: the patches and the class token.</summary>
    public int Tokens => Grid * Grid + 1;

    internal void Validate()
    {
        BlockShape.Validate("Vision", Width, Layers, Heads, MlpWidth);
        if (PatchSize < 1) throw new ArgumentException($"Vision.PatchSize is {PatchSize}; it must be at least 1.");
        if (ImageSize < PatchSize || ImageSize % PatchSize != 0)
            throw new ArgumentException($"Vision.ImageSize is {ImageSize}; it must be a multiple of Vision.PatchSize ({PatchSize}).");
    }
}
