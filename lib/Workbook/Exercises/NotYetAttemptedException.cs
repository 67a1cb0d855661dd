namespace ClipNotebooks.Workbook.Exercises;

/// <summary>What an unfilled stub throws by <see cref="Exercise.NotYet{T}"/>; a check turns it into "not yet attempted".</summary>
public sealed class NotYetAttemptedException : Exception
{
    /// <summary>The exception with its usual message.</summary>
    public NotYetAttemptedException() : this("This exercise is not yet attempted: put your code in place of Exercise.NotYet.") { }

    /// <summary>The exception with another message.</summary>
    public NotYetAttemptedException(string message) : base(message) { }

    /// <summary>The exception with another message and its cause.</summary>
    public NotYetAttemptedException(string message, Exception innerException) : base(message, innerException) { }
}
