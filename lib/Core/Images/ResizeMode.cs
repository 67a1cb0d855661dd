namespace ClipNotebooks.Core.Images;

/// <summary>How an image that is not square is resized towards a square.</summary>
public enum ResizeMode
{
    /// <summary>Resizes the shorter side to the size, then crops the centre; CLIP's way.</summary>
    Shortest,

    /// <summary>Resizes both sides to the size, without keeping the proportions (OpenCLIP's and SigLIP's <c>squash</c>).</summary>
    Squash,

    /// <summary>
    /// Resizes the longer side to the size and pads the rest: with black, beside a CMYK image with white, beside an image with a palette
    /// with the palette's first colour (OpenCLIP's <c>longest</c> with its fill colour 0).
    /// </summary>
    Longest,

    /// <summary>
    /// Resizes both sides to whole patches, as many as the budget allows, nearly keeping the proportions: not to a square (SigLIP 2
    /// NaFlex).
    /// </summary>
    Patches,
}
