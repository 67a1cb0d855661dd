using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Search;
using ClipNotebooks.Workbook;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>
/// The array job of lib/Search/README.md on a real scheduler: Debian's slurm-wlm, one node on this machine (slurm.sh). Long form alone:
/// it installs nothing, and takes root and half a minute.
/// </summary>
public sealed partial class SlurmTests : IDisposable
{
    private const int Tasks = 4, Pictures = 1200;

    private static readonly string Repository = Path.GetDirectoryName(Lesson.Data)!;
    private static readonly string Script = Path.Combine(Repository, "tests", "Cli.Tests", "Commands", "slurm.sh");

    private readonly TemporaryFolder _folder = new();

    private string At(string name) => Path.Combine(_folder.Path, name);

    public void Dispose()
    {
        if (Directory.Exists(At("slurm")))
            TestProcess.RunAsync("bash", [Script, "stop", At("slurm")]).GetAwaiter().GetResult();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_READMEs_array_job_with_a_task_killed_and_requeued_makes_the_index_of_one_process()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1", "CLIP_LONG_TESTS=1 starts a Slurm.");
        Assert.SkipUnless(File.Exists("/usr/sbin/slurmctld") && Environment.UserName == "root",
            "It takes root, and Debian's slurm-wlm: apt-get install slurm-wlm.");
        Directory.CreateDirectory(At("photos"));
        Parallel.For(0, Pictures, i => File.WriteAllBytes(
            At($"photos/{i}.jpg"), SyntheticScenes.Create(SceneWorld.Train, i).Draw(640).ToJpeg()));
        Tool();
        await SaidAsync("bash", Script, "start", At("slurm"));

        string job = (await SaidAsync("sbatch", "--parsable", $"--output={At("task-%a.log")}", Job())).Trim();
        await SaidAsync("sbatch", $"--output={At("merge.log")}", $"--dependency=afterok:{job}", "--wrap",
            $"clipbook merge {At("shards")} --index {At("index")}");
        // The second task is ended while it embeds: it has committed a batch, and is not whole.
        FileInfo Journal() => new(At("shards/2/journal.bin"));
        await UntilAsync(() => Task.FromResult(Journal() is { Exists: true, Length: > 5000 }));
        await SaidAsync("scontrol", "requeue", $"{job}_2");
        await UntilAsync(async () => (await SaidAsync("squeue", "--noheader", "--format=%T", $"--jobs={job}_2")).Trim() == "PENDING");
        // Slurm lets two minutes pass before it starts such a task again.
        await SaidAsync("scontrol", "update", $"jobid={job}_2", "StartTime=now");
        await UntilAsync(async () => (await SaidAsync("squeue", "--noheader")).Trim().Length == 0);

        string log = File.ReadAllText(At("merge.log"));
        Assert.True(Directory.Exists(At("index")), log +
            string.Concat(Directory.GetFiles(_folder.Path, "task-*.log").Select(File.ReadAllText)));
        // Started again it went on where it was.
        Assert.Matches("[1-9][0-9]* added, 0 updated, [1-9][0-9]* unchanged", File.ReadAllText(At("task-2.log")));
        var (code, _, error) = await Clipbook.RunAsync("index", At("photos"), "--index", At("whole"));
        Assert.True(code == ExitCode.Success, error);
        var (one, other) = (Embeddings(At("whole")), Embeddings(At("index")));
        Assert.Equal(Pictures, one.Count);
        Assert.Equal(one.Keys, other.Keys);
        // Batches of other sizes are summed in another order.
        Assert.All(one, image => Assert.InRange(image.Value.Zip(other[image.Key], (a, b) => (double)a * b).Sum(), 1 - 1e-6, 1 + 1e-6));
    }

    private static SortedDictionary<string, float[]> Embeddings(string index)
    {
        using var opened = ImageSearchIndex.Open(index);
        return new(opened.Embeddings.All().ToDictionary(row => row.Entry.Id, row => row.Embedding), StringComparer.Ordinal);
    }

    /// <summary>README's script, on this folder and these few tasks.</summary>
    private string Job()
    {
        string readme = File.ReadAllText(Path.Combine(Repository, "lib", "Search", "README.md"));
        string script = ArrayJob().Match(readme).Groups[1].Value;
        foreach (var (from, to) in new[]
        {
            ("--array=1-64 --cpus-per-task=4 --mem=8G", $"--array=1-{Tasks} --cpus-per-task=1 --mem=2G"),
            ("/data/photos", At("photos")), ("/data/shards", At("shards")),
            ("/data/models/clip-vit-base-patch32", Path.Combine(Lesson.Data, "models", "tiny-clip")), (" --float16", ""),
        })
        {
            Assert.Contains(from, script, StringComparison.Ordinal);
            script = script.Replace(from, to, StringComparison.Ordinal);
        }
        return _folder.Write("job.sh", script);
    }

    /// <summary>clipbook on the tasks' PATH.</summary>
    private void Tool()
    {
        string tool = _folder.Write("bin/clipbook",
            $"#!/bin/sh\nexec '{TestProcess.DotNet}' '{typeof(Program).Assembly.Location}' \"$@\"\n");
        if (OperatingSystem.IsWindows()) return;
        File.SetUnixFileMode(tool, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private async Task<string> SaidAsync(string program, params string[] arguments)
    {
        var (code, output, error) = await TestProcess.RunAsync(program, arguments, new Dictionary<string, string?>
        {
            ["SLURM_CONF"] = At("slurm/slurm.conf"),
            ["PATH"] = $"{At("bin")}:{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin",
        });
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)}: {code}\n{output}\n{error}");
        return output;
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (!await isSo()) await Task.Delay(50, limit.Token);
    }

    [GeneratedRegex("As a Slurm array.*?```bash\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ArrayJob();
}
