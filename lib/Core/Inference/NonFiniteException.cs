namespace ClipNotebooks.Core.Inference;

/// <summary>
/// A model gave NaN, infinity or nothing but zeros where an embedding or a scale was to be. The message says for which image or caption,
/// names the first weight that is no number, and says what to do.
/// </summary>
public sealed class NonFiniteException : ArithmeticException
{
    /// <summary>With a message alone.</summary>
    public NonFiniteException(string message) : base(message)
    {
    }

    /// <summary>With what led to it.</summary>
    public NonFiniteException(string message, Exception inner) : base(message, inner)
    {
    }

    /// <summary>Without a message of its own.</summary>
    public NonFiniteException()
    {
    }

    /// <summary>The first weight that holds NaN or infinity; null where the weights are sound.</summary>
    public string? Weight { get; init; }
}
