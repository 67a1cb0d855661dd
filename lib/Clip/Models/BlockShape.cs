using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Models;

/// <summary>What the blocks of either tower are made from.</summary>
/// <param name="Width">D.</param>
/// <param name="Heads">H.</param>
/// <param name="MlpWidth">The hidden width of the MLP.</param>
/// <param name="Activation">The MLP's non-linearity.</param>
/// <param name="LayerNormEpsilon">ε of every layer normalisation.</param>
internal sealed record BlockShape(int Width, int Heads, int MlpWidth, Activation Activation, double LayerNormEpsilon)
{
    /// <summary>The starting value of the blocks' <see cref="Models.LayerScale"/>; null for blocks without one.</summary>
    internal double? LayerScale { get; init; }

    /// <summary>How the blocks differ from CLIP's.</summary>
    internal BlockOptions Options { get; init; } = BlockOptions.Clip;

    /// <summary>Where the weights are made; the CPU by default.</summary>
    internal Device? Device { get; init; }

    internal static void Validate(string tower, int width, int layers, int heads, int? mlpWidth, double? layerScale)
    {
        if (width < 1) throw new ArgumentException($"{tower}.Width is {width}; it must be at least 1.");
        if (layers < 1) throw new ArgumentException($"{tower}.Layers is {layers}; it must be at least 1.");
        if (heads < 1 || width % heads != 0) throw new ArgumentException(
            $"{tower}.Heads is {heads}; it must divide {tower}.Width ({width}).");
        if (mlpWidth < 1) throw new ArgumentException($"{tower}.MlpWidth is {mlpWidth}; it must be at least 1.");
        if (layerScale is { } start && !double.IsFinite(start)) throw new ArgumentException(
            $"{tower}.LayerScale is {start}; a finite number is needed.");
    }
}
