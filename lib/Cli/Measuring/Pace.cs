using System.Diagnostics;

namespace ClipNotebooks.Cli.Measuring;

/// <summary>How long something takes: the fastest of its runs, which other work on the machine disturbs least.</summary>
internal static class Pace
{
    /// <summary>Seconds of the fastest run.</summary>
    internal static double Fastest(double budget, Action run) => Fastest(budget, [run])[0];

    /// <summary>If the first run takes longer than this many seconds, it counts, and no run to warm up is needed.</summary>
    private const double Long = 5;

    /// <summary>A run that takes at least this many seconds is not made twice: some milliseconds at its start make no difference.</summary>
    private const double Unhurried = 0.5;

    /// <summary>
    /// Runs each in turn, so that a disturbance affects all alike: once to warm up, then as long as the budget lasts. Short ones run twice
    /// in a row, since for some milliseconds after another's run OpenMP's threads still wait for work, each keeping a core busy.
    /// </summary>
    /// <param name="budget">Seconds for each; at least one run is measured.</param>
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
