namespace ClipNotebooks.Clip.Models;

/// <summary>
/// An image tower's pool by attention: one query and an MLP (SigLIP, PE-Core), or several queries in the shared space (CoCa).
/// </summary>
public sealed record AttentionPoolConfig
{
    /// <summary>H of the pool.</summary>
    public required int Heads { get; init; }

    /// <summary>How many queries ask; more than one have no MLP.</summary>
    public int Queries { get; init; } = 1;

    /// <summary>
    /// The hidden width of the MLP that the answer passes; none for CoCa's pool, whose answers are normalised and pooled.
    /// </summary>
    public int? MlpWidth { get; init; }
}
