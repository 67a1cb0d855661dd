namespace ClipNotebooks.Cli.Shell;

/// <summary>What `clipbook` returns to the shell.</summary>
internal static class ExitCode
{
    internal const int Success = 0;
    internal const int Failed = 1;
    internal const int Usage = 2;
    internal const int Cancelled = 130;

    /// <summary>The paragraph about exit codes in every help text.</summary>
    internal const string Help = "Exit codes: 0 success, 1 something failed, 2 wrong usage, 130 stopped by Ctrl-C or SIGTERM.";
}
