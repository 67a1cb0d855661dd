namespace ClipNotebooks.Core.Inference;

/// <summary>The queue of a <see cref="BatchingEncoder"/> is full: try again later.</summary>
public sealed class QueueFullException : Exception
{
    /// <summary>Creates the exception with a message.</summary>
    public QueueFullException(string message) : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public QueueFullException(string message, Exception inner) : base(message, inner)
    {
    }

    /// <summary>Creates the exception with the default message.</summary>
    public QueueFullException()
    {
    }
}
