namespace ClipNotebooks.Core.Hub;

/// <summary>
/// A model's files cannot be used: damaged, incomplete, or at odds with each other. The message names the file, the key and the reason.
/// </summary>
public sealed class CheckpointException : IOException
{
    /// <summary>Creates the exception with the default message.</summary>
    public CheckpointException()
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public CheckpointException(string message) : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public CheckpointException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
