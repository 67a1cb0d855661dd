using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace ClipNotebooks.Cli.Shell;

/// <summary>
/// Handles Ctrl-C, SIGTERM and the end of the terminal (SIGHUP). The first signal asks the command to end; later ones change nothing. A
/// command that has not ended after <see cref="Grace"/> is ended by force.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Signals may come until the process ends, and the source with them.")]
internal sealed class Interruption
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _overdue = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Kept until the process ends: without these registrations the next signal would end it on the spot.
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _signals;

    private Interruption()
    {
        foreach (PosixSignal signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP })
            // If SIGHUP is ignored (nohup), the user wants the command to outlive the terminal.
            if (signal != PosixSignal.SIGHUP || !NativeProcess.Ignores(NativeProcess.HangUp))
                _registrations.Add(PosixSignalRegistration.Create(signal, Hear));
    }

    /// <summary>How long a command may take to end. A command that has something to save sets this to infinite.</summary>
    internal static TimeSpan Grace { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Runs a command in this process until it ends, by itself or by a signal.</summary>
    /// <returns>The exit code.</returns>
    internal static async Task<int> RunAsync(Func<CancellationToken, Task<int>> command)
    {
        var interruption = new Interruption();
        var work = Task.Run(() => command(interruption._stop.Token));
        if (await Task.WhenAny(work, interruption._overdue.Task) != work)
        {
            Terminal.WriteError("clipbook: stopped.");
            NativeProcess.Exit(ExitCode.Cancelled);
        }
        int code = await work;
        // Native threads may still compute: an orderly exit would free memory that they use.
        if (Volatile.Read(ref interruption._signals) > 0) NativeProcess.Exit(code);
        GC.KeepAlive(interruption);
        return code;
    }

    private void Hear(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _signals) > 1) return;
        _stop.CancelAsync();
        if (Grace != Timeout.InfiniteTimeSpan) Task.Delay(Grace).ContinueWith(_ => End(), TaskScheduler.Default);
    }

    /// <summary>Ends the command by force, unless it has come to something that it must save since the signal.</summary>
    private void End()
    {
        if (Grace != Timeout.InfiniteTimeSpan) _overdue.TrySetResult();
    }
}
