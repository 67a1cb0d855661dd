namespace ClipNotebooks.Clip.Models;

/// <summary>How an image tower makes one vector of its tokens.</summary>
public enum VisionPooling
{
    /// <summary>The first token, which is the class token where there is one.</summary>
    First,

    /// <summary>The mean of all tokens but the first where that is a class token or an attentional pool's.</summary>
    Mean,

    /// <summary>
    /// A learned query asks all tokens, its answer passes an MLP (SigLIP, PE-Core: <see cref="AttentionPoolConfig.MlpWidth"/>).
    /// </summary>
    Query,

    /// <summary>Not at all: every token is projected.</summary>
    None,
}
