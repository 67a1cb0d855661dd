namespace ClipNotebooks.Core.Hub;

/// <summary>
/// A model's files cannot be used: damaged, incomplete, or at odds with each other. The message names the file, the key and the reason.
/// </summary>
public sealed class CheckpointException : IOException
{
    /// <summary>An error without words.</summary>
    public CheckpointException()
    {
    }

    /// <summary>An error in words.</summary>
    public CheckpointException(string message) : base(message)
    {
    }

    /// <summary>An error in words, with its cause.</summary>
    public CheckpointException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
