namespace ClipNotebooks.Clip.Images;

/// <summary>How an image that is not square comes to a square.</summary>
public enum ResizeMode
{
    /// <summary>The shorter side to the size, then the middle is cut out; CLIP's.</summary>
    Shortest,

    /// <summary>Both sides to the size, the proportions given up (OpenCLIP's and SigLIP's <c>squash</c>).</summary>
    Squash,

    /// <summary>The longer side to the size, the rest filled (OpenCLIP's <c>longest</c>).</summary>
    Longest,
}
