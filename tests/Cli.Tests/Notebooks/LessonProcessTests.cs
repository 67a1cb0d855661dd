using System.Diagnostics;
using ClipNotebooks.Cli.Notebooks;

namespace ClipNotebooks.Cli.Tests.Notebooks;

public sealed class LessonProcessTests(LessonOfParts parts) : IClassFixture<LessonOfParts>
{
    private static async Task<LessonResult> RunAsync(
        string text, bool keepGoing = false, double seconds = 120, CancellationToken token = default)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("lesson.dib", text);
        return await new LessonProcess(TimeSpan.FromSeconds(seconds), keepGoing, threads: 1).RunAsync(path, token);
    }

    [Fact]
    public async Task Cells_share_state_await_and_show_what_they_print_display_and_return()
    {
        var cells = await parts.OfAsync("state");
        Assert.Equal([("printed", null), ("<b>bold</b>", "<b>bold</b>"), ("[ 2, 4 ]", null)],
            cells[0].Outputs.Select(o => (o.Text, o.Html)));
        Assert.Equal([OutputSource.Printed, OutputSource.Shown, OutputSource.Result], cells[0].Outputs.Select(o => o.Source));
        Assert.Equal(["42", "1"], cells[1].Outputs.Select(o => o.Text));
    }

    [Fact]
    public async Task A_process_that_a_lesson_leaves_behind_is_not_waited_for()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("sleep is a program of Unix.");
        string id = Assert.Single(Assert.Single(await parts.OfAsync("process")).Outputs).Text;
        using var left = Process.GetProcessById(int.Parse(id, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal("sleep", left.ProcessName);
        left.Kill();
    }

    [Theory]
    [InlineData("new System.Threading.Thread(() => throw new Exception(\"here\")).Start(); System.Threading.Thread.Sleep(5000);",
        "nothing caught an exception on another thread")]
    [InlineData("int Deeper(int n) => 1 + Deeper(n + 1); Deeper(0)", "a method called itself without end")]
    public async Task What_ended_the_process_is_not_blamed_on_tensors(string code, string cause)
    {
        LessonResult result = await RunAsync($"#!csharp\n\n{code}");
        Assert.Contains(cause, Assert.Single(result.Failures).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_view_is_told_by_the_names_of_its_attribute() => Assert.Equal(("view", "<i>view</i>"),
        Assert.Single(await parts.OfAsync("view")).Outputs.Select(o => (o.Text, o.Html)).Single());

    [Fact]
    public async Task A_reference_is_relative_to_the_lessons_folder() => Assert.Equal("<p><em>a</em></p>",
        Assert.Single(Assert.Single(await parts.OfAsync("reference")).Outputs).Text);

    [Fact]
    public async Task A_library_that_is_not_built_is_said_with_the_command_that_builds_it()
    {
        CellFailure failure = Assert.Single((await RunAsync("#!csharp\n#r \"../lib/Workbook/missing.dll\"\n1")).Failures);
        Assert.Contains("CS0006", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("The library is not built: dotnet build -c Release", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tensor_that_something_keeps_after_the_lesson_is_counted_and_a_variable_is_not()
    {
        Assert.Null(Assert.Single(await parts.OfAsync("tensors")).Failure);
        Assert.Equal(1, (await parts.ResultAsync()).LiveTensors);
    }

    [Fact]
    public async Task A_cell_that_waits_goes_on_in_the_thread_of_the_lesson() => Assert.Equal(["True", "True"],
        (await parts.OfAsync("threads")).Select(cell => Assert.Single(cell.Outputs).Text.Trim()));

    [Fact]
    public async Task An_exception_names_cell_and_line_without_the_hosts_frames_and_ends_the_lesson()
    {
        LessonResult result = await RunAsync("#!markdown\n\nText\n\n#!csharp\n\nint At(int[] a) =>\n  a[5];\nAt(new " +
            "int[1]);\n\n#!csharp\n\n1");
        CellFailure failure = Assert.Single(result.Failures);
        Assert.Equal((2, 8), (failure.Cell, failure.Line));
        Assert.Equal("System.IndexOutOfRangeException: Index was outside the bounds of the array.\n  at At(Int32[] a) in lesson.dib:line " +
            "8\n  at the cell in lesson.dib:line 9", failure.Message);
        Assert.Null(result.Cells[1].Seconds);
    }

    [Fact]
    public async Task With_keep_going_each_failure_is_named_by_cell_and_line_and_the_cells_after_it_run()
    {
        var cells = await parts.OfAsync("failures");
        Assert.Equal((await parts.ResultAsync()).Failures, cells.Select(cell => cell.Failure).OfType<CellFailure>());
        Assert.Equal([(0, "first"), (2, "CS1525")],
            cells.SkipLast(1).Select(cell => (cell.Failure!.Line - cell.Cell.Line, cell.Failure.Message)),
            (expected, actual) => expected.Item1 == actual.Item1 && actual.Item2.Contains(expected.Item2, StringComparison.Ordinal));
        Assert.All(cells.SkipLast(1), cell => Assert.Equal(cell.Cell.Number, cell.Failure!.Cell));
        Assert.Contains($"line {cells[1].Failure!.Line}: CS1525", cells[1].Failure!.Message, StringComparison.Ordinal);
        Assert.Equal("7", Assert.Single(cells[^1].Outputs).Text);
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_a_failure_of_the_lesson()
    {
        CellFailure failure = Assert.Single((await RunAsync("#!csharp\n1\n#!time")).Failures);
        Assert.Equal((1, 3), (failure.Cell, failure.Line));
    }

    [Fact]
    public async Task A_process_that_dies_is_reported_with_the_cell_and_what_it_showed()
    {
        LessonResult result = await RunAsync("#!csharp\n1\n#!csharp\nConsole.WriteLine(\"last " +
            "words\");\nConsole.Out.Flush();\nEnvironment.FailFast(\"the end\");");
        CellFailure failure = Assert.Single(result.Failures);
        Assert.Equal((2, 4), (failure.Cell, failure.Line));
        Assert.Contains("the process died here", failure.Message);
        Assert.Contains("the end", failure.Message);
        Assert.Contains(".NET ended it", failure.Message);
        Assert.Equal("last words", result.Cells[1].Outputs.Single().Text.Trim());
    }

    [Fact]
    public async Task A_cell_that_exits_the_process_is_a_failure() =>
        Assert.Contains("exit code 0", Assert.Single((await RunAsync("#!csharp\nEnvironment.Exit(0);")).Failures).Message);

    /// <summary>Each cell is an assembly of its own.</summary>
    [Fact]
    public async Task An_exercise_does_not_run_an_answer_whose_helper_of_an_earlier_cell_could_end_the_process() =>
        Assert.Contains("calls matmul and was not run", (await parts.OfAsync("exercise"))[^1].Outputs.Single().Text);

    [Fact]
    public async Task A_native_abort_is_reported_with_the_cell_and_the_shapes()
    {
        string torch = typeof(TorchSharp.torch).Assembly.Location;
        LessonResult result = await RunAsync($"#!csharp\n#r \"{torch}\"\nusing TorchSharp;\n#!csharp\ntorch.ones(2, " +
            $"3).matmul(torch.ones(2, 3))");
        CellFailure failure = Assert.Single(result.Failures);
        Assert.Equal(2, failure.Cell);
        Assert.Contains("the process died here", failure.Message);
        Assert.Contains("(2x3 and 2x3)", failure.Message);
        Assert.DoesNotContain("frame #", failure.Message);
    }

    [Fact]
    public async Task A_timeout_ends_the_child_and_its_children()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("starts the program sleep");
        Stopwatch clock = Stopwatch.StartNew();
        LessonResult result = await RunAsync("#!csharp\nvar p = System.Diagnostics.Process.Start(\"sleep\", " +
            "\"300\");\nConsole.Write(p.Id); Console.Out.Flush();\nwhile (true) ;", seconds: 25);
        CellFailure failure = Assert.Single(result.Failures);
        Assert.Equal(1, failure.Cell);
        Assert.Contains("longer than its 25 s (--timeout)", failure.Message);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60));
        int child = int.Parse(result.Cells[0].Outputs.Single().Text, System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(SpinWait.SpinUntil(() => HasEnded(child), TimeSpan.FromSeconds(5)));
    }

    private static bool HasEnded(int id)
    {
        try
        {
            using Process process = Process.GetProcessById(id);
            return process.HasExited;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

    [Fact]
    public async Task Cancelling_ends_the_child()
    {
        using CancellationTokenSource stop = new(TimeSpan.FromSeconds(2));
        Stopwatch clock = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync("#!csharp\nawait Task.Delay(60000);", token: stop.Token));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Endless_console_output_is_cut_and_counted()
    {
        string text = Assert.Single(Assert.Single(await parts.OfAsync("endless")).Outputs).Text;
        Assert.InRange(text.Length, 100_000, 100_100);
        Assert.EndsWith("200000 more characters were printed.", text);
    }
}
