namespace ClipNotebooks.Clip.Models;

/// <summary>What makes tokens of pixels.</summary>
public enum PatchStem
{
    /// <summary>One convolution whose windows do not overlap: CLIP's.</summary>
    Patches,

    /// <summary>The same with a bias.</summary>
    BiasedPatches,

    /// <summary>Patches as rows of numbers through one linear layer, for images of any shape (SigLIP 2 NaFlex).</summary>
    FlatPatches,

    /// <summary>Three convolutions that do not overlap, for a cell of 16 pixels (MobileCLIP-B).</summary>
    Convolutions,

    /// <summary>Two stages of inverted residuals (ViTamin).</summary>
    InvertedResiduals,
}
