namespace ClipNotebooks.Core.Text;

/// <summary>How long the rows of a batch become.</summary>
public enum Padding
{
    /// <summary>As long as the longest caption; exact, since attention is causal.</summary>
    Longest,

    /// <summary>As long as the context.</summary>
    ContextLength,
}
