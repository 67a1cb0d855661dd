namespace ClipNotebooks.Core.Inference;

/// <summary>More is asked of a <see cref="BatchingEncoder"/> than may wait: try again later.</summary>
public sealed class QueueFullException : Exception
{
    /// <summary>With a message alone.</summary>
    public QueueFullException(string message) : base(message)
    {
    }

    /// <summary>With what led to it.</summary>
    public QueueFullException(string message, Exception inner) : base(message, inner)
    {
    }

    /// <summary>Without a message of its own.</summary>
    public QueueFullException()
    {
    }
}
