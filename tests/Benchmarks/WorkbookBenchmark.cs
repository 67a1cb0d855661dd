using BenchmarkDotNet.Attributes;
using ClipNotebooks.Cli.Measuring;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Benchmarks;

/// <summary>
/// The workbook's own time: all lessons of the English edition, as `clipbook run --language en` runs them; `clipbook bench` has the time
/// for one alone.
/// </summary>
public class WorkbookBenchmark
{
    private IReadOnlyList<string> _lessons = [];

    /// <summary>What it is called where a part of a name chooses.</summary>
    internal const string Name = "the workbook: all lessons";

    /// <exception cref="UserError">Not in the repository.</exception>
    [GlobalSetup]
    public void Find() => _lessons = LessonRunner.Find([], [], Edition.English, RepositoryRoot.TryFind());

    /// <summary>All of them, several at once.</summary>
    [Benchmark(Description = Name)]
    public void AllLessons() => Workloads.RunLessons(_lessons);
}
