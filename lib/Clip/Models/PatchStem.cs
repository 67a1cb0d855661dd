namespace ClipNotebooks.Clip.Models;

/// <summary>How an image tower turns pixels into tokens.</summary>
public enum PatchStem
{
    /// <summary>One convolution whose windows do not overlap: CLIP's.</summary>
    Patches,

    /// <summary>The same with a bias.</summary>
    BiasedPatches,

    /// <summary>One linear layer over flattened patches, for images of any shape (SigLIP 2 NaFlex).</summary>
    FlatPatches,

    /// <summary>Three convolutions with windows that do not overlap; a token covers 16 × 16 pixels (MobileCLIP-B).</summary>
    Convolutions,

    /// <summary>Two stages of inverted residuals (ViTamin).</summary>
    InvertedResiduals,
}
