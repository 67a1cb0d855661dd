namespace ClipNotebooks.Core.Text;

/// <summary>How long the rows of a batch become.</summary>
public enum Padding
{
    /// <summary>As long as the longest caption. With causal attention, the model's output is the same as with more padding.</summary>
    Longest,

    /// <summary>As long as the context length.</summary>
    ContextLength,
}
