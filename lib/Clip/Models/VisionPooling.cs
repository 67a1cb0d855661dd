namespace ClipNotebooks.Clip.Models;

/// <summary>How an image tower pools its tokens into one vector.</summary>
public enum VisionPooling
{
    /// <summary>The first token, which is the class token where there is one.</summary>
    First,

    /// <summary>The mean of all tokens, without the first where that is a class token or an attention pool's first output.</summary>
    Mean,

    /// <summary>
    /// A learned query attends to all tokens, and the result passes an MLP (SigLIP, PE-Core: <see cref="AttentionPoolConfig.MlpWidth"/>).
    /// </summary>
    Query,

    /// <summary>Not at all: every token is projected.</summary>
    None,
}
