namespace ClipNotebooks.Clip.Models;

/// <summary>
/// An image tower's attention pool: one query and an MLP (SigLIP, PE-Core), or several queries in the shared space (CoCa).
/// </summary>
public sealed record AttentionPoolConfig
{
    /// <summary>H, the number of the pool's attention heads.</summary>
    public required int Heads { get; init; }

    /// <summary>The number of learned queries; an MLP requires exactly one.</summary>
    public int Queries { get; init; } = 1;

    /// <summary>The hidden width of the MLP after the attention; null for CoCa's pool, whose outputs are normalised and pooled.</summary>
    public int? MlpWidth { get; init; }
}
