namespace ClipNotebooks.Core.Inference;

/// <summary>
/// A model gave NaN, infinity or only zeros as an embedding, or NaN or infinity as its scale or bias. The message names the image or
/// caption and the first weight that is not finite, and says what to do.
/// </summary>
public sealed class NonFiniteException : ArithmeticException
{
    /// <summary>Creates the exception with a message.</summary>
    public NonFiniteException(string message) : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public NonFiniteException(string message, Exception inner) : base(message, inner)
    {
    }

    /// <summary>Creates the exception with the default message.</summary>
    public NonFiniteException()
    {
    }

    /// <summary>The first weight that holds NaN or infinity; null if all weights are finite.</summary>
    public string? Weight { get; init; }
}
