namespace ClipNotebooks.Clip.Models;

/// <summary>The non-linearity inside each block's MLP.</summary>
public enum Activation
{
    /// <summary>x · sigmoid(1.702 x), of OpenAI's models (<c>quick_gelu</c>).</summary>
    QuickGelu,

    /// <summary>x · Φ(x), exact, of most OpenCLIP models (<c>gelu</c>).</summary>
    Gelu,

    /// <summary>x · Φ(x) with Φ approximated by tanh, of SigLIP (<c>gelu_pytorch_tanh</c>).</summary>
    GeluTanh,
}
