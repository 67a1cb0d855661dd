namespace ClipNotebooks.Core.Hub;

/// <summary>A model cannot be had from the Hugging Face Hub. The message says which file, why, and what to do.</summary>
public sealed class HubException : IOException
{
    /// <summary>An error without words.</summary>
    public HubException()
    {
    }

    /// <summary>An error in words.</summary>
    public HubException(string message) : base(message)
    {
    }

    /// <summary>An error in words, with its cause.</summary>
    public HubException(string message, Exception? innerException) : base(message, innerException)
    {
    }
}
