using System.Diagnostics;

namespace ClipNotebooks.Search.Tests.Faults;

/// <summary>A test that runs in a process of its own, which may be killed or run without rights: this program again, with one of the explicit tests of <see cref="ChildTests"/>.</summary>
internal sealed class Child : IDisposable
{
    internal const string FolderVariable = "CLIP_TEST_CHILD_FOLDER", StepVariable = "CLIP_TEST_CHILD_STEP";

    private readonly Process _process;
    private readonly Task<string> _output;

    private Child(Process process) => (_process, _output) = (process, process.StandardOutput.ReadToEndAsync());

    /// <param name="test">The method's name.</param>
    /// <param name="folder">What it works in.</param>
    /// <param name="step">Where it is to begin.</param>
    /// <param name="wrapper">A program and its arguments that start another program.</param>
    internal static Child Start(string test, string folder, int step = 0, params string[] wrapper)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "ClipNotebooks.Search.Tests" + (OperatingSystem.IsWindows() ? ".exe" : ""));
        string[] command = [.. wrapper, program, "-noLogo", "-noColor", "-explicit", "only", "-method", $"*.{nameof(ChildTests)}.{test}"];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, Environment = { [FolderVariable] = folder, [StepVariable] = $"{step}" } };
        return new Child(Process.Start(start)!);
    }

    internal bool HasExited => _process.HasExited;

    /// <summary>SIGKILL: the process gets no chance to do anything more.</summary>
    internal async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Waits for the end and holds that the test passed.</summary>
    internal async Task SucceedsAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        await _process.WaitForExitAsync(limit.Token);
        string output = await _output;
        Assert.True(_process.ExitCode == 0 && output.Contains("Total: 1, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0", StringComparison.Ordinal), output);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }
}
