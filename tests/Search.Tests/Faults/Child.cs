namespace ClipNotebooks.Search.Tests.Faults;

/// <summary>
/// A test that runs in a process of its own, which may be killed or run without rights: this program again, with one of the explicit tests
/// of <see cref="ChildTests"/>.
/// </summary>
internal sealed class Child : IDisposable
{
    internal const string FolderVariable = "CLIP_TEST_CHILD_FOLDER", StepVariable = "CLIP_TEST_CHILD_STEP";

    private readonly TestProcess _process;

    private Child(TestProcess process) => _process = process;

    /// <param name="test">The method's name.</param>
    /// <param name="folder">What it works in.</param>
    /// <param name="step">Where it is to begin.</param>
    /// <param name="wrapper">A program and its arguments that start another program.</param>
    internal static Child Start(string test, string folder, int step = 0, params string[] wrapper)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "ClipNotebooks.Search.Tests" + (OperatingSystem.IsWindows() ? ".exe" : ""));
        string[] command = [.. wrapper, program, "-noLogo", "-noColor", "-explicit", "only", "-method", $"*.{nameof(ChildTests)}.{test}"];
        var environment = new Dictionary<string, string?> { [FolderVariable] = folder, [StepVariable] = $"{step}" };
        return new Child(TestProcess.Start(command[0], command[1..], environment, limit: TimeSpan.FromMinutes(5)));
    }

    internal bool HasExited => _process.HasExited;

    /// <summary>SIGKILL: the process gets no chance to do anything more.</summary>
    internal async Task KillAsync()
    {
        _process.Kill();
        await _process.EndAsync();
    }

    /// <summary>Waits for the end and holds that the test passed.</summary>
    internal async Task SucceedsAsync()
    {
        var (code, output, error) = await _process.EndAsync();
        const string Passed = "Total: 1, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0";
        Assert.True(code == 0 && output.Contains(Passed, StringComparison.Ordinal), output + error);
    }

    public void Dispose() => _process.Dispose();
}
