using ClipNotebooks.Cli.Shell;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>
/// A progress bar on the error stream, so that the output stays clean for a pipe; there is none if that stream is not a terminal.
/// </summary>
internal static class ConsoleProgress
{
    internal static bool HasTerminal => !Console.IsErrorRedirected;

    internal static async Task<T> RunAsync<T>(string what, int total, Func<IProgress<(int Done, int Total)>, Task<T>> work)
    {
        if (!HasTerminal) return await work(new Callback(_ => { }));
        return await Terminal.RichError().Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(),
                new RemainingTimeColumn())
            .StartAsync(progress =>
            {
                var bar = progress.AddTask(what, maxValue: Math.Max(1, total));
                return work(new Callback(state => (bar.MaxValue, bar.Value) = (Math.Max(1, state.Total), state.Done)));
            });
    }

    /// <summary>Calls the action at once, on the thread that reports.</summary>
    private sealed class Callback(Action<(int Done, int Total)> action) : IProgress<(int Done, int Total)>
    {
        public void Report((int Done, int Total) value) => action(value);
    }
}
