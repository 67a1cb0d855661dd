namespace ClipNotebooks.Clip.Models;

/// <summary>Where a block normalises.</summary>
public enum NormPlacement
{
    /// <summary>x + f(norm(x)): CLIP, and nearly all since.</summary>
    Before,

    /// <summary>x + norm(f(x)): EVA02-E (Swin Transformer V2).</summary>
    AfterBranch,

    /// <summary>norm(x + f(x)): BERT, RoBERTa.</summary>
    AfterSum,
}
