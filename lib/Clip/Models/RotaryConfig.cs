namespace ClipNotebooks.Clip.Models;

/// <summary>
/// Rotary position embedding over the two axes of a grid of patches (EVA02, PE-Core): tokens before the patches are not turned.
/// </summary>
public sealed record RotaryConfig
{
    /// <summary>The side of the grid that positions are counted in, whatever grid there is; none counts patches themselves.</summary>
    public int? ReferenceGrid { get; init; }

    /// <summary>The first patch's position.</summary>
    public double Offset { get; init; }

    /// <summary>Whether the first half of a head turns by the column (timm's <c>xy</c>), or by the row.</summary>
    public bool ColumnsFirst { get; init; }
}
