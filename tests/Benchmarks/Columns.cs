using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using ClipNotebooks.Cli.Measuring;

namespace ClipNotebooks.Benchmarks;

/// <summary>A column that is computed from a work's mean time.</summary>
public abstract class WorkColumn(string name, string legend) : IColumn
{
    private static readonly Lazy<IReadOnlyList<Workload>> Works = new(WorkloadBenchmark.Find);

    public string Id => name;

    public string ColumnName => name;

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => legend;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        ArgumentNullException.ThrowIfNull(summary);
        var work = Of(benchmarkCase);
        if (Seconds(summary, benchmarkCase) is not { } seconds) return "-";
        var plain = summary.BenchmarksCases.First(other => Of(other).Name == work.Name);
        return Value(work, seconds, plain == benchmarkCase ? null : Seconds(summary, plain) / seconds);
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    /// <summary>A cell.</summary>
    private protected abstract string Value(Workload work, double seconds, double? speedup);

    private static Workload Of(BenchmarkCase one) =>
        Works.Value.First(work => work.ToString() == (string)one.Parameters[nameof(WorkloadBenchmark.Work)]);

    private static double? Seconds(Summary summary, BenchmarkCase one) => summary[one]?.ResultStatistics?.Mean / 1e9;
}

/// <summary>Items a second.</summary>
public sealed class RateColumn() : WorkColumn("a second", "Images, texts, pairs … a second")
{
    private protected override string Value(Workload work, double seconds, double? speedup) => $"{work.Items / seconds:0.0} {work.Unit}";
}

/// <summary>Beside the plain form.</summary>
public sealed class PlainColumn() : WorkColumn("× plain", "How many times as fast as the plain form of the same work")
{
    private protected override string Value(Workload work, double seconds, double? speedup) => speedup is { } times ? $"{times:0.0}" : "";
}

/// <summary>Beside the machine's limit.</summary>
public sealed class ShareColumn() : WorkColumn("of the limit", "The share of the best matrix products, or of reading memory, that this " +
    "process reached")
{
    private static readonly Lazy<MachineLimits> Limits = new(() => MachineLimits.Measure(0.5));

    private protected override string Value(Workload work, double seconds, double? speedup) =>
        new Cli.Measuring.Measurement(work, seconds, speedup).Share(Limits.Value) is { } share ? $"{share:0%} of {work.Limit}" : "";
}
