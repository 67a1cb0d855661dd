namespace ClipNotebooks.Core.Hub;

/// <summary>A failure that may be gone at the next attempt; never seen by a caller of the library.</summary>
internal sealed class HubTransientException(string message, TimeSpan? wait = null) : Exception(message)
{
    /// <summary>How long the server asks to wait.</summary>
    internal TimeSpan? Wait { get; } = wait;
}
