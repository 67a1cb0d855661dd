using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>Runs that end before their end. <c>CLIP_LONG_TESTS=1</c> ends 20 by each signal, with slow steps too, instead of one.</summary>
public sealed partial class TrainCommandTests(ITestOutputHelper output)
{
    /// <summary>Short steps, each saved.</summary>
    private static readonly string[] Quick = ["--steps", Long ? "16" : "5", "--batch", "2", "--save-every", "0"];

    /// <summary>Steps of seconds, which outlast the time that other commands are given to end.</summary>
    private static readonly string[] Slow = ["--steps", "4", "--batch", "256", "--save-every", "0"];

    private static bool Long => Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1";

    [Fact]
    public async Task CtrlC_leaves_a_checkpoint_from_which_the_run_continues()
    {
        SkipOnWindows();
        using TemporaryFolder folder = new();
        string[] arguments = ["--steps", "100000", "--batch", "2"];
        // What runs left that were killed while they wrote.
        folder.Write("train-7.checkpoint.0123456789abcdef0123456789abcdef.part", "half");
        folder.Write("vocab.json.0123456789abcdef0123456789abcdef.part", "half");

        using (var run = Start(folder, arguments))
        {
            await run.SaysAsync("parameters");
            await Task.Delay(TimeSpan.FromSeconds(1));
            await StopsAsync(run, folder, "INT");
        }
        Assert.DoesNotContain(Files(folder), name => name.EndsWith(".part", StringComparison.Ordinal) || name == "model.safetensors");

        // Begun anew it would write over what is to be continued.
        StringWriter error = new();
        Assert.Equal(ExitCode.Usage, await Program.RunAsync(["train", "--output", folder.Path, .. arguments], error));
        Assert.Contains("--resume continues it", error.ToString(), StringComparison.Ordinal);

        using (var run = Start(folder, [.. arguments, "--resume"]))
        {
            await run.SaysAsync("from step");
            await StopsAsync(run, folder, "INT");
        }
    }

    /// <param name="signals">Sent in turns.</param>
    /// <param name="slow">Whether steps take seconds.</param>
    [Theory]
    [InlineData("KILL TERM", false)]
    [InlineData("KILL", false)]
    [InlineData("TERM", false)]
    [InlineData("INT", false)]
    [InlineData("KILL", true)]
    [InlineData("TERM", true)]
    [InlineData("INT", true)]
    public async Task A_run_ended_at_any_moment_loses_at_most_one_interval_and_ends_in_an_unbroken_ones_weights(string signals, bool slow)
    {
        SkipOnWindows();
        string[] kinds = signals.Split(' ');
        Assert.SkipUnless(kinds.Length > 1 || Long, "Each signal by itself, and steps of seconds, are tried with CLIP_LONG_TESTS=1.");
        string[] arguments = slow ? Slow : Quick;
        using TemporaryFolder whole = new(), broken = new();
        var clock = Stopwatch.StartNew();
        using (var run = Start(whole, arguments)) Assert.Equal(ExitCode.Success, (await run.EndAsync()).Code);
        TimeSpan usual = clock.Elapsed;

        var random = new Random(signals.Length + (slow ? 1 : 0));
        int ended = 0, runs = 0, lost = 0, wanted = !Long ? 2 : slow ? 5 : 20;
        for (; ended < wanted; runs++)
        {
            string signal = kinds[ended % kinds.Length];
            if (File.Exists(Path.Combine(broken.Path, "model.safetensors")))
                foreach (string file in Directory.GetFiles(broken.Path)) File.Delete(file);
            using var run = Start(broken, [.. arguments, .. Steps(broken).Count > 0 ? ["--resume"] : Array.Empty<string>()]);
            await Task.Delay(random.NextDouble() * usual);
            if (!run.HasExited) run.Signal(signal);
            var (code, said, error) = await run.EndAsync();
            // It was faster; or it was done, had removed its checkpoints, and was on its way out.
            if (code == ExitCode.Success || Steps(broken).Count == 0 && File.Exists(Path.Combine(broken.Path, "model.safetensors")))
                continue;
            ended++;
            Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);

            // What a line was written of is saved, or was while the next step was under way.
            int step = Progress().Matches(said).Select(match => Number(match.Groups["step"])).DefaultIfEmpty(0).Max();
            int saved = Steps(broken).DefaultIfEmpty(0).Max();
            lost = Math.Max(lost, step - saved);
            Assert.True(saved >= step - 1, $"Step {step} was done, and {saved} is saved.\n{said}{error}");
            Assert.InRange(Steps(broken).Count, 0, 3); // three while a new one is there and the oldest is not yet gone
            if (signal != "KILL" && said.Length > 0) Stopped(code, said, error, broken);
        }
        using (var run = Start(broken, [.. arguments, .. Steps(broken).Count > 0 ? ["--resume"] : Array.Empty<string>()]))
        {
            var (code, said, error) = await run.EndAsync();
            Assert.True(code == ExitCode.Success, said + error);
        }
        string kind = signals + (slow ? ", slow steps" : "");
        output.WriteLine($"{kind}: {ended} of {runs} runs were ended, at most {lost} saved steps lost");
        output.WriteLine($"{usual.TotalSeconds:0.0} s for an unbroken run, {clock.Elapsed.TotalSeconds:0} s in all");
        Assert.Equal(Files(whole), Files(broken));
        foreach (string name in Files(whole))
            Assert.Equal(File.ReadAllBytes(Path.Combine(whole.Path, name)), File.ReadAllBytes(Path.Combine(broken.Path, name)));
    }

    [Fact]
    public async Task A_damaged_checkpoint_is_named_and_the_one_before_is_taken()
    {
        SkipOnWindows();
        using TemporaryFolder folder = new();
        using (var run = Start(folder, ["--steps", "100000", "--batch", "2", "--save-every", "0"]))
        {
            for (; Steps(folder).Count < 2 && !run.HasExited; await Task.Delay(20)) { }
            await StopsAsync(run, folder, "TERM");
        }
        var steps = Steps(folder).Order().ToList();
        Assert.Equal(2, steps.Count);
        string newest = Path.Combine(folder.Path, $"train-{steps[1]}.checkpoint");
        byte[] bytes = File.ReadAllBytes(newest);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(newest, bytes);
        using (var run = Start(folder, ["--steps", "100000", "--batch", "2", "--resume"]))
        {
            await run.SaysAsync("from step");
            run.Signal("INT");
            var (_, said, error) = await run.EndAsync();
            Assert.Contains($"{newest} cannot be resumed from", error, StringComparison.Ordinal);
            Assert.Contains("The one before is taken", error, StringComparison.Ordinal);
            Assert.Contains($"from step {steps[0]}.", said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_checkpoint_of_another_seed_is_refused()
    {
        SkipOnWindows();
        using TemporaryFolder folder = new();
        using (var run = Start(folder, ["--steps", "100000", "--batch", "2", "--save-every", "0"]))
        {
            for (; Steps(folder).Count < 1 && !run.HasExited; await Task.Delay(20)) { }
            await StopsAsync(run, folder, "INT");
        }
        StringWriter error = new();
        string[] other = ["train", "--output", folder.Path, "--steps", "100000", "--batch", "2", "--seed", "7", "--resume"];
        Assert.Equal(ExitCode.Failed, await Program.RunAsync(other, error));
        Assert.Contains("another run", error.ToString(), StringComparison.Ordinal);
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

    [Theory]
    [InlineData("-1")]
    [InlineData("NaN")]
    public async Task An_interval_that_is_none_is_wrong_usage(string minutes)
    {
        using TemporaryFolder folder = new();
        StringWriter error = new();
        Assert.Equal(ExitCode.Usage, await Program.RunAsync(["train", "--output", folder.Path, $"--save-every={minutes}"], error));
        Assert.Contains("--save-every", error.ToString(), StringComparison.Ordinal);
    }

    private static void SkipOnWindows() =>
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Processes are ended by signals, which Windows has not.");

    private static TestProcess Start(TemporaryFolder folder, string[] arguments) => TestProcess.Start(
        TestProcess.DotNet, [typeof(Program).Assembly.Location, "train", "--output", folder.Path, .. arguments],
        new Dictionary<string, string?> { ["OMP_NUM_THREADS"] = "1" });

    /// <summary>Sends a signal and holds that the run says where it stopped, and has left a checkpoint of that step.</summary>
    private static async Task StopsAsync(TestProcess run, TemporaryFolder folder, string signal)
    {
        run.Signal(signal);
        var (code, said, error) = await run.EndAsync();
        Stopped(code, said, error, folder);
    }

    private static void Stopped(int code, string said, string error, TemporaryFolder folder)
    {
        Assert.True(code == ExitCode.Cancelled, $"{code}: {said}{error}");
        Assert.Empty(error);
        var stopped = StoppedAfter().Match(said);
        Assert.True(stopped.Success, said);
        Assert.Equal(Number(stopped.Groups["step"]), Steps(folder).Max());
    }

    private static List<int> Steps(TemporaryFolder folder) =>
    [
        .. Directory.GetFiles(folder.Path).Select(path => Checkpoint().Match(path)).Where(match => match.Success)
            .Select(match => Number(match.Groups["step"])),
    ];

    private static List<string> Files(TemporaryFolder folder) =>
        [.. Directory.GetFiles(folder.Path).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    private static int Number(Group group) => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"train-(?<step>\d+)\.checkpoint$")]
    private static partial Regex Checkpoint();

    [GeneratedRegex(@"^step +(?<step>\d+) of", RegexOptions.Multiline)]
    private static partial Regex Progress();

    [GeneratedRegex(@"Stopped after step (?<step>\d+);")]
    private static partial Regex StoppedAfter();
}
