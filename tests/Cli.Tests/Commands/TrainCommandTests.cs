using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ClipNotebooks.Cli.Tests.Commands;

public sealed class TrainCommandTests
{
    [Fact]
    public async Task CtrlC_leaves_a_checkpoint_from_which_the_run_continues()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Ctrl-C is sent as a signal, which Windows has not.");
        using TemporaryFolder folder = new();
        string[] arguments = ["train", "--output", folder.Path, "--steps", "100000", "--batch", "2"];

        (int code, string said) = await InterruptAsync(arguments);
        Assert.True(code == ExitCode.Cancelled, $"{code}: {said}");
        Assert.Contains("Stopped after step", said, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(folder.Path, "train.checkpoint"), Directory.GetFiles(folder.Path));
        Assert.DoesNotContain(Directory.GetFiles(folder.Path), path => path.EndsWith(".part", StringComparison.Ordinal) || Path.GetFileName(path) == "model.safetensors");

        (code, said) = await InterruptAsync([.. arguments, "--resume"]);
        Assert.True(code == ExitCode.Cancelled, $"{code}: {said}");
        Assert.Matches(@"from step [1-9]\d*\.", said.ReplaceLineEndings(" "));
    }

    [Fact]
    public async Task Without_a_checkpoint_there_is_nothing_to_resume()
    {
        using TemporaryFolder folder = new();
        StringWriter error = new();
        Assert.Equal(ExitCode.Usage, await Program.RunAsync(["train", "--output", folder.Path, "--resume"], error));
        Assert.Contains("nothing to resume", error.ToString(), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    /// <summary>Starts the command in a process, lets it train for a while, and interrupts it.</summary>
    private static async Task<(int Code, string Said)> InterruptAsync(string[] arguments)
    {
        string runtime = RuntimeEnvironment.GetRuntimeDirectory();
        ProcessStartInfo info = new(Path.GetFullPath(Path.Combine(runtime, "..", "..", "..", "dotnet"))) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments.Prepend(typeof(Program).Assembly.Location)) info.ArgumentList.Add(argument);
        info.Environment["OMP_NUM_THREADS"] = "1";
        using Process child = Process.Start(info)!;
        Task<string> error = child.StandardError.ReadToEndAsync();
        string said = "";
        // The first line comes before the first step; the first step takes longest.
        while (!said.Contains("parameters", StringComparison.Ordinal) && await child.StandardOutput.ReadLineAsync() is { } line) said += line + "\n";
        await Task.Delay(TimeSpan.FromSeconds(3));
        using (Process kill = Process.Start("kill", ["-INT", $"{child.Id}"])) await kill.WaitForExitAsync();
        said += await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();
        return (child.ExitCode, said + await error);
    }
}
