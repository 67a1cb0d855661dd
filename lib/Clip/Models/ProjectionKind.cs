namespace ClipNotebooks.Clip.Models;

/// <summary>How a tower goes from its width to that of the shared space.</summary>
public enum ProjectionKind
{
    /// <summary>One matrix, without a bias.</summary>
    Matrix,

    /// <summary>Not at all: the tower's width is that of the space.</summary>
    None,

    /// <summary>A matrix and a bias.</summary>
    Affine,

    /// <summary>Two matrices around a GELU.</summary>
    Mlp,
}
