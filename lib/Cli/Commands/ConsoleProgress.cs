using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Search;
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
        if (!HasTerminal) return await work(new Callback<(int Done, int Total)>(_ => { }));
        return await Terminal.RichError().Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(),
                new RemainingTimeColumn())
            .StartAsync(progress =>
            {
                var bar = progress.AddTask(what, maxValue: Math.Max(1, total));
                return work(new Callback<(int Done, int Total)>(
                    state => (bar.MaxValue, bar.Value) = (Math.Max(1, state.Total), state.Done)));
            });
    }

    /// <summary>The same for what reports the progress of an index.</summary>
    internal static Task<T> RunAsync<T>(string what, Func<IProgress<IndexProgress>, Task<T>> work) => RunAsync(what, 1,
        bar => work(new Callback<IndexProgress>(at => bar.Report((at.Done, at.Total)))));
}
