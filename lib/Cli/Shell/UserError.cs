namespace ClipNotebooks.Cli.Shell;

/// <summary>A failure that the user can fix: shown as one paragraph, without a stack trace.</summary>
internal sealed class UserError(string message, int exitCode = ExitCode.Failed, Exception? inner = null) : Exception(message, inner)
{
    internal int ExitCode { get; } = exitCode;
}
