using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Notebooks.Tests;

[assembly: AssemblyFixture(typeof(LessonRun))]

namespace ClipNotebooks.Notebooks.Tests;

/// <summary>Every lesson, run once for all tests that look at it, as `clipbook run` does: when the first of them asks.</summary>
public sealed class LessonRun
{
    private readonly Lazy<IReadOnlyDictionary<string, LessonResult>> _results = new(() => Task.Run(RunAsync).GetAwaiter().GetResult());

    internal IReadOnlyDictionary<string, LessonResult> Results => _results.Value;

    private static async Task<IReadOnlyDictionary<string, LessonResult>> RunAsync()
    {
        LessonResult[] results = await LessonRunner.RunAsync(
            Lessons.Paths, new RunOptions { KeepGoing = true }, null, null, CancellationToken.None);
        return results.ToDictionary(result => Lessons.NameOf(result.Path));
    }
}

/// <summary>Tests that run lessons' code in this process, which has one console, one folder, one seed: alone, after the others.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class InProcessCollection
{
    internal const string Name = "in this process";
}

public sealed class LessonRunTests(LessonRun run)
{
    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Lessons.Names), MemberType = typeof(Lessons))]
    public void Every_cell_of_the_lesson_runs(string name)
    {
        LessonResult result = run.Results[name];
        Assert.True(result.Failures.Count == 0, string.Join("\n\n", result.Failures.Select(result.Report)));
        Assert.All(result.Cells, cell => Assert.NotNull(cell.Seconds));
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Lessons.Names), MemberType = typeof(Lessons))]
    public void No_tensor_outlives_the_variables_of_the_lesson(string name) => Assert.Equal(0, run.Results[name].LiveTensors);

    [Theory, InlineData("05-training.dib"), InlineData("ko/05-training.dib")]
    public void What_is_shown_live_is_one_picture_in_its_last_state(string name)
    {
        var live = run.Results[name].Cells.Single(cell => cell.Cell.Source.Contains("LiveView.Show", StringComparison.Ordinal));
        CellOutput shown = Assert.Single(live.Outputs);
        Assert.NotNull(shown.Html);
        Assert.Contains("800", shown.Text, StringComparison.Ordinal);
    }
}
