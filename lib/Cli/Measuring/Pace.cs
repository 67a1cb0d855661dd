using System.Diagnostics;

namespace ClipNotebooks.Cli.Measuring;

/// <summary>How long something takes: the fastest of its runs, which other work on the machine disturbs least.</summary>
internal static class Pace
{
    /// <summary>Seconds of the fastest run.</summary>
    internal static double Fastest(double budget, Action run) => Fastest(budget, [run])[0];

    /// <summary>A run that takes as many seconds warms itself up.</summary>
    private const double Long = 5;

    /// <summary>For a run that takes as many seconds, some milliseconds at its start are nothing.</summary>
    private const double Unhurried = 0.5;

    /// <summary>
    /// Runs each in turn, so that a disturbance meets all alike, once to warm up and then as long as the budget lasts; short ones twice in
    /// a row, since OpenMP's threads go on waiting for work, each on a core, for some milliseconds after the run of another.
    /// </summary>
    /// <param name="budget">Seconds for each; one measured run at least.</param>
    /// <param name="runs">What is compared.</param>
    /// <returns>Seconds of the fastest run of each.</returns>
    internal static double[] Fastest(double budget, IReadOnlyList<Action> runs)
    {
        var first = runs.Select(Seconds).ToArray();
        var best = first.Select(seconds => seconds > Math.Max(Long, budget) ? seconds : double.MaxValue).ToArray();
        int[] measured = [.. Enumerable.Range(0, runs.Count).Where(i => best[i] == double.MaxValue)];
        for (var whole = Stopwatch.StartNew(); measured.Length > 0;)
        {
            foreach (int i in measured)
                for (int run = first[i] < Unhurried ? 2 : 1; run > 0; run--) best[i] = Math.Min(best[i], Seconds(runs[i]));
            if (whole.Elapsed.TotalSeconds >= budget * measured.Length) break;
        }
        return best;
    }

    private static double Seconds(Action run)
    {
        var clock = Stopwatch.StartNew();
        run();
        return clock.Elapsed.TotalSeconds;
    }
}
