using System.Diagnostics;
using BenchmarkDotNet.Attributes;
using ClipNotebooks.Cli.Measuring;

namespace ClipNotebooks.Benchmarks;

/// <summary>The works of `clipbook bench`, timed by BenchmarkDotNet.</summary>
public class WorkloadBenchmark
{
    private readonly List<IDisposable> _kept = [];
    private Action _run = () => { };

    /// <summary>Which.</summary>
    [ParamsSource(nameof(Names))]
    public string Work { get; set; } = "";

    /// <summary>A part of the names of the works to measure.</summary>
    internal static string Only { get; set; } = "";

    /// <summary>The works to measure.</summary>
    public static IEnumerable<string> Names => Find().Select(work => work.ToString())
        .Where(name => name.Contains(Only, StringComparison.OrdinalIgnoreCase));

    internal static IReadOnlyList<Workload> Find()
    {
        using var workloads = new Workloads();
        return [.. workloads.All()];
    }

    [GlobalSetup]
    public void Prepare()
    {
        var workloads = new Workloads();
        _kept.Add(workloads);
        _run = workloads.All().First(work => work.ToString() == Work).Prepare(_kept);

        // .NET compiles what is called often anew, and faster; a work of milliseconds would be over before.
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(1);) _run();
    }

    [GlobalCleanup]
    public void Free()
    {
        _kept.Reverse();
        _kept.ForEach(thing => thing.Dispose());
        _kept.Clear();
    }

    /// <summary>One run.</summary>
    [Benchmark]
    public void Run() => _run();
}
