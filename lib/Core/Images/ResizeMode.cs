namespace ClipNotebooks.Core.Images;

/// <summary>How an image that is not square comes to a square.</summary>
public enum ResizeMode
{
    /// <summary>The shorter side to the size, then the middle is cut out; CLIP's.</summary>
    Shortest,

    /// <summary>Both sides to the size, the proportions given up (OpenCLIP's and SigLIP's <c>squash</c>).</summary>
    Squash,

    /// <summary>
    /// The longer side to the size, the rest black, beside a CMYK image white (OpenCLIP's <c>longest</c> with its fill colour 0; beside an
    /// image with a palette OpenCLIP has the palette's first colour).
    /// </summary>
    Longest,

    /// <summary>
    /// Both sides to whole patches, as many as the budget allows and the proportions nearly kept: no square at all (SigLIP 2 NaFlex).
    /// </summary>
    Patches,
}
