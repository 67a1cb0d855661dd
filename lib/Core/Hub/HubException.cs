namespace ClipNotebooks.Core.Hub;

/// <summary>A model cannot be obtained from the Hugging Face Hub. The message says which file, why, and what to do.</summary>
public sealed class HubException : IOException
{
    /// <summary>Creates the exception with the default message.</summary>
    public HubException()
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public HubException(string message) : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public HubException(string message, Exception? innerException) : base(message, innerException)
    {
    }
}
