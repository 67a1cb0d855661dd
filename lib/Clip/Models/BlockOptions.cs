namespace ClipNotebooks.Clip.Models;

/// <summary>
/// How a tower's blocks differ from CLIP's; the defaults are CLIP's. Names in parentheses are keys of OpenCLIP's configuration.
/// </summary>
public sealed record BlockOptions
{
    /// <summary>CLIP's own blocks.</summary>
    public static BlockOptions Clip { get; } = new();

    /// <summary>Where the block normalises.</summary>
    public NormPlacement Norm { get; init; } = NormPlacement.Before;

    /// <summary>Whether each head's queries and keys are normalised (<c>qk_norm</c>).</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>
    /// Whether attention scores are cosine similarities times a learned factor for each head, at most 100 (<c>scaled_cosine_attn</c>).
    /// </summary>
    public bool CosineAttention { get; init; }

    /// <summary>Whether each head's output is multiplied by a learned factor (<c>scale_heads</c>).</summary>
    public bool HeadScale { get; init; }

    /// <summary>Whether the heads' outputs are normalised before the output projection (<c>scale_attn_inner</c>).</summary>
    public bool InnerNorm { get; init; }

    /// <summary>Whether attention's output is normalised after the output projection (<c>scale_attn</c>).</summary>
    public bool AttentionNorm { get; init; }

    /// <summary>Whether an MLP without a gate normalises its hidden layer (<c>scale_fc</c>).</summary>
    public bool MlpNorm { get; init; }

    /// <summary>The MLP's gate; an MLP with a gate also normalises.</summary>
    public MlpGate Gate { get; init; } = MlpGate.None;

    /// <summary>Whether keys have a bias; EVA's have none.</summary>
    public bool KeyBias { get; init; } = true;

    internal void Validate(string tower)
    {
        if (CosineAttention && QueryKeyNorm) throw new ArgumentException($"{tower}.Block has both CosineAttention and QueryKeyNorm; " +
            $"one of them is possible.");
        if (MlpNorm && Gate != MlpGate.None) throw new ArgumentException($"{tower}.Block has both MlpNorm and a Gate ({Gate}), which " +
            $"normalises by itself.");
    }
}
