namespace ClipNotebooks.Clip.Models;

/// <summary>What a gated MLP multiplies its hidden layer by (Shazeer 2020, "GLU Variants Improve Transformer").</summary>
public enum MlpGate
{
    /// <summary>Nothing: f(W x), CLIP's.</summary>
    None,

    /// <summary>silu(V x) · W x, and a normalisation of the product: EVA02.</summary>
    Silu,

    /// <summary>gelu(V x) · W x, the input normalised once more: ViTamin.</summary>
    Gelu,
}
