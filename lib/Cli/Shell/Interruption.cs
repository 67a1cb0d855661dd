using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace ClipNotebooks.Cli.Shell;

/// <summary>
/// Ctrl-C, SIGTERM and the end of the terminal: the first asks the command to end, those that follow change nothing. Who has not ended
/// when <see cref="Grace"/> is over is ended.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Signals may come until the process ends, and the source with them.")]
internal sealed class Interruption
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _overdue = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Kept until the process ends: without them the next signal would end it on the spot.
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _signals;

    private Interruption()
    {
        foreach (PosixSignal signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP })
            // Who ignores the end of the terminal (nohup) wants the command to outlive it.
            if (signal != PosixSignal.SIGHUP || !NativeProcess.Ignores(NativeProcess.HangUp))
                _registrations.Add(PosixSignalRegistration.Create(signal, Hear));
    }

    /// <summary>How long a command may take to end. One that has something to save takes the time it needs.</summary>
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
        // Native threads that still compute would run into memory that an orderly exit takes away.
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

    /// <summary>Not where the command has come to what it has to save since the signal.</summary>
    private void End()
    {
        if (Grace != Timeout.InfiniteTimeSpan) _overdue.TrySetResult();
    }
}
