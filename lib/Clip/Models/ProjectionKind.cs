namespace ClipNotebooks.Clip.Models;

/// <summary>How a tower's pooled vector is projected into the shared space.</summary>
public enum ProjectionKind
{
    /// <summary>One matrix, without a bias.</summary>
    Matrix,

    /// <summary>No projection: the tower is as wide as the shared space.</summary>
    None,

    /// <summary>A matrix and a bias.</summary>
    Affine,

    /// <summary>Two matrices around a GELU.</summary>
    Mlp,
}
