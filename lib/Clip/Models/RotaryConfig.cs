namespace ClipNotebooks.Clip.Models;

/// <summary>
/// Rotary position embedding over the two axes of a grid of patches (EVA02, PE-Core): tokens before the patches are not rotated.
/// </summary>
public sealed record RotaryConfig
{
    /// <summary>The side of the grid to which positions are rescaled from the grid at hand; null leaves them in units of patches.</summary>
    public int? ReferenceGrid { get; init; }

    /// <summary>The first patch's position, in units of patches.</summary>
    public double Offset { get; init; }

    /// <summary>
    /// Whether the first half of a head is rotated by the column and the second by the row (timm's <c>xy</c>), or the reverse.
    /// </summary>
    public bool ColumnsFirst { get; init; }
}
