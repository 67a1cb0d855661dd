using System.CommandLine;
using ClipNotebooks.Cli.Measuring;
using ClipNotebooks.Cli.Shell;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook bench`: how fast this machine is at CLIP.</summary>
internal static class BenchCommand
{
    internal static Command Create()
    {
        Option<string?> only = new("--only") { Description = "Only works whose name contains this, such as \"image encoder\"." };
        Option<double> seconds = new("--seconds") { Description = "Seconds for each figure; one run at least.", DefaultValueFactory = _ =>
            0.4 };
        Option<bool> families = new("--families")
        {
            Description = "A tower of every family's prepared form at batch 8, in place of the works on ViT-B/32.",
        };
        Option<bool> json = new("--json") { Description = "Print JSON." };
        Command command = new("bench", $"""
            Measures, in under two minutes, how fast CLIP runs here: both encoders in their plain and prepared forms, the image transform, a
            training step, loading, searching, a lesson. Each figure is the fastest of its runs, beside the share of what this machine gives
            at most, measured in the same process: matrix products by the best of several ways, reading memory. Run it while the machine
            does nothing else. Needs 10 GB of memory.

            Examples:
              clipbook bench
              clipbook bench --only "image encoder" --seconds 3
              clipbook bench --only MobileCLIP2-S0          beside ViT-B/32 at the same batch
              clipbook bench --families                     the other families' towers, in two minutes
              clipbook bench --json > bench.json

            {ExitCode.Help}
            """)
        {
            only, seconds, families, json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            double budget = parsed.GetValue(seconds);
            if (!(budget is > 0 and < 1e4)) throw new UserError($"--seconds is {budget}; a number above 0 is needed.", ExitCode.Usage);
            return RunAsync(parsed.GetValue(only) ?? "", budget, parsed.GetValue(families), parsed.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(string only, double budget, bool families, bool json, CancellationToken cancellation)
    {
        using var workloads = new Workloads();
        // One measurement may take longer than a command is given after a signal: the files do not wait for it.
        using var stopped = cancellation.Register(workloads.DeleteFiles);
        var every = (families ? FamilyWorkloads.All() : workloads.All()).GroupBy(work => work.Name).ToList();
        var named = every.Where(work => work.Key.Contains(only, StringComparison.OrdinalIgnoreCase)).ToList();
        var beside = named.SelectMany(work => work).Select(work => work.Beside).ToHashSet();
        var works = every.Where(work => named.Contains(work) || beside.Contains(work.Key)).Select(work => work.ToList()).ToList();
        if (works.Count == 0)
        {
            string names = string.Join("; ", every.Select(work => work.Key));
            throw new UserError($"--only {only}: no work is called so. There are: {names}.", ExitCode.Usage);
        }
        var machine = Machine.Here();
        var (limits, measured) = await ConsoleProgress.RunAsync("measuring", works.Count + 1, progress => Task.Run(() =>
        {
            var bounds = MachineLimits.Measure(budget / 2);
            List<Measurement> figures = [];
            foreach (var (i, work) in works.Index())
            {
                cancellation.ThrowIfCancellationRequested();
                progress.Report((i + 1, works.Count + 1));
                try
                {
                    figures.AddRange(Measurement.Of(work, budget));
                }
                catch (Exception) when (cancellation.IsCancellationRequested)
                {
                    throw new OperationCanceledException(cancellation); // its files are gone
                }
            }
            return (bounds, figures);
        }, CancellationToken.None));

        if (json) Terminal.WriteJson(Output.Json(Report(machine, limits, measured)));
        else Print(machine, limits, measured);
        return ExitCode.Success;
    }

    private static object Report(Machine machine, MachineLimits limits, IReadOnlyList<Measurement> measured) => new
    {
        date = DateTime.UtcNow.ToString("yyyy-MM-dd", null),
        machine,
        limits = new { float32OperationsPerSecond = limits.Float32, bfloat16OperationsPerSecond = limits.BFloat16,
            memoryBytesPerSecond = limits.Memory },
        leftOut = Workloads.LeftOut,
        measured = measured.Select(figure => new
        {
            work = figure.Work.Name,
            form = figure.Work.Form,
            unit = figure.Work.Unit,
            perSecond = figure.Rate,
            seconds = figure.Seconds,
            timesPlain = figure.Speedup,
            limit = figure.Work.Limit.ToString(),
            shareOfLimit = figure.Share(limits),
        }),
    };

    private static void Print(Machine machine, MachineLimits limits, IReadOnlyList<Measurement> measured)
    {
        var console = Terminal.Rich();
        console.WriteLine($"{machine.Processor}, {machine.Cores} cores; {machine.System}");
        console.WriteLine($"{machine.Libraries}. Precision.Auto is {machine.Precision}.");
        console.WriteLine($"float32 products, GFLOP/s: {Ways(limits.Float32)}; bfloat16: {Ways(limits.BFloat16)}; memory: " +
            $"{limits.Memory / 1e9:0.0} GB/s.");
        var table = new Table().RoundedBorder().AddColumn("work").AddColumn("form");
        foreach (string heading in new[] { "a second", "ms a run", "× plain", "of the limit" }) table.AddColumn(
            new TableColumn(heading).RightAligned());
        foreach (var figure in measured)
        {
            table.AddRow(new Text(figure.Work.Name), new Text(figure.Work.Form), new Text($"{Short(figure.Rate)} {figure.Work.Unit}"),
                new Text(Short(1e3 * figure.Seconds)),
                new Text(figure.Speedup is { } speedup ? $"{speedup:0.0}" : ""),
                    new Text(figure.Share(limits) is { } share ? $"{share:0%} of {Bound(figure.Work.Limit)}" : ""));
        }
        console.Write(table);
        if (Workloads.LeftOut is { } reason) console.WriteLine(reason);
    }

    private static string Ways(IReadOnlyDictionary<string, double> rates) =>
        string.Join(", ", rates.Select(way => $"{way.Key} {way.Value / 1e9:0}"));

    /// <summary>Formats a value: no decimals from 100 on, one from 10 on, else two.</summary>
    private static string Short(double value) => value >= 100 ? $"{value:N0}" : value >= 10 ? $"{value:0.0}" : $"{value:0.00}";

    private static string Bound(Limit limit) => limit switch
    {
        Limit.Float32Products => "float32",
        Limit.BFloat16Products => "bfloat16",
        _ => "memory",
    };
}
