using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Notebooks.Tests;

[assembly: AssemblyFixture(typeof(LessonRun))]

namespace ClipNotebooks.Notebooks.Tests;

/// <summary>
/// Every lesson, run once for all tests that look at it, as `clipbook run` does: when the first of them asks. Of the other editions, whose
/// code and seeds are the English one's, those are run whose views differ most; all with <c>CLIP_LONG_TESTS=1</c>.
/// </summary>
public sealed class LessonRun
{
    private static readonly string[] InBothEditions =
        ["00-start-here", "04-contrastive-loss", "07-zero-shot-classification", "08-image-search"];

    private readonly Lazy<IReadOnlyDictionary<string, LessonResult>> _results = new(() => Task.Run(RunAsync).GetAwaiter().GetResult());

    /// <summary>By the lesson's name; of a lesson that is not run, its cells without outputs.</summary>
    internal IReadOnlyDictionary<string, LessonResult> Results => _results.Value;

    /// <summary>The result of a lesson that is run.</summary>
    internal LessonResult Of(string name)
    {
        Assert.SkipUnless(Runs(name), "This edition of the lesson is run with CLIP_LONG_TESTS=1, the English one always.");
        return Results[name];
    }

    /// <param name="path">Of a lesson; relative ones are those of <see cref="Lessons.NameOf"/>.</param>
    internal static bool Runs(string path) => Edition.Of(Path.Combine(Lessons.Folder, path)).IsEnglish
        || InBothEditions.Contains(Path.GetFileNameWithoutExtension(path)) || Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1";

    private static async Task<IReadOnlyDictionary<string, LessonResult>> RunAsync()
    {
        LessonResult[] run = await LessonRunner.RunAsync(
            [.. Lessons.Paths.Where(Runs)], new RunOptions { KeepGoing = true }, null, null, CancellationToken.None);
        var unrun = Lessons.Paths.Where(path => !Runs(path)).Select(path => (Path: path, Notebook: Notebook.Load(path)))
            .Select(lesson => new LessonResult(lesson.Path, lesson.Notebook,
                [.. lesson.Notebook.CodeCells.Select(cell => new CellResult(cell, [], null, null))], [], 0));
        return run.Concat(unrun).ToDictionary(result => Lessons.NameOf(result.Path));
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
        LessonResult result = run.Of(name);
        Assert.True(result.Failures.Count == 0, string.Join("\n\n", result.Failures.Select(result.Report)));
        Assert.All(result.Cells, cell => Assert.NotNull(cell.Seconds));
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Lessons.Names), MemberType = typeof(Lessons))]
    public void No_tensor_outlives_the_variables_of_the_lesson(string name) => Assert.Equal(0, run.Of(name).LiveTensors);

    [Theory, InlineData("05-training.dib"), InlineData("ko/05-training.dib")]
    public void What_is_shown_live_is_one_picture_in_its_last_state(string name)
    {
        var live = run.Of(name).Cells.Single(cell => cell.Cell.Source.Contains("LiveView.Show", StringComparison.Ordinal));
        CellOutput shown = Assert.Single(live.Outputs);
        Assert.NotNull(shown.Html);
        Assert.Contains("800", shown.Text, StringComparison.Ordinal);
    }
}
