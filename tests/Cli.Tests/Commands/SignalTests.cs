using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>
/// Two signals in a row, of a third of the commands. <c>CLIP_LONG_TESTS=1</c> tries each command with each distance and each pair.
/// </summary>
public sealed class SignalTests : IDisposable
{
    private static readonly int[] Distances = [0, 1, 20, 300, 1000];

    private static readonly (string First, string Second)[] Pairs = [("INT", "INT"), ("INT", "TERM"), ("TERM", "INT"), ("TERM", "TERM")];

    /// <summary>Lessons in processes of their own, a loop that saves, a store that is written, a server.</summary>
    private static readonly string[] Representative = ["run", "train", "index", "serve"];

    /// <summary>
    /// What may be done, with its own exit code, before the signal comes. The others have work for seconds more, or without end: the signal
    /// has to end them.
    /// </summary>
    private static readonly string[] Brief = ["plots", "search", "mcp"];

    private static readonly string Assembly = typeof(Program).Assembly.Location;

    private readonly TemporaryFolder _folder = new();
    private readonly TcpListener _silent = new(IPAddress.Loopback, 0);

    public void Dispose()
    {
        _silent.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("run")]
    [InlineData("plots")]
    [InlineData("train")]
    [InlineData("classify")]
    [InlineData("index")]
    [InlineData("embed")]
    [InlineData("search")]
    [InlineData("evaluate")]
    [InlineData("download")]
    [InlineData("serve")]
    [InlineData("serve --api")]
    [InlineData("mcp")]
    [InlineData("bench")]
    [InlineData("export")]
    public async Task Two_signals_end_a_command_with_its_exit_code_and_at_most_one_line(string command)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Processes are ended by signals, which Windows has not.");
        bool everything = Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1";
        Assert.SkipUnless(everything || Representative.Contains(command), "The other commands are signalled with CLIP_LONG_TESTS=1.");
        var random = new Random(command.Length);
        var tries = from distance in Distances from pair in Pairs select (distance, pair);
        if (!everything) tries = [tries.ElementAt(random.Next(Distances.Length * Pairs.Length))];
        foreach (var (distance, (first, second)) in tries)
        {
            using var process = TestProcess.Start(TestProcess.DotNet, [Assembly, .. Arguments(command)], Surroundings());
            await process.HearsSignalsAsync();
            await Task.Delay(random.Next(600));
            process.Signal(first);
            await Task.Delay(distance);
            if (!process.HasExited) process.Signal(second);
            var (code, output, error) = await process.EndAsync();
            string said = $"{command}, {first} and {second} after {distance} ms: {code}\n{output}\n{error}";
            Assert.True(code == ExitCode.Cancelled || (code == ExitCode.Success && Brief.Contains(command)), said);
            Assert.False(error.Contains("   at ", StringComparison.Ordinal) || error.Contains("Unhandled", StringComparison.Ordinal), said);
            if (code == ExitCode.Cancelled) Assert.True(error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length <= 1, said);
        }
    }

    [Fact]
    public async Task Where_CtrlCs_signal_is_ignored_by_the_parent_it_is_heard_all_the_same()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A program is started anew in its place on Linux alone.");
        string[] ignoring = ["-c", "trap '' INT; exec \"$@\"", "sh", TestProcess.DotNet, Assembly];
        using var process = TestProcess.Start("sh", [.. ignoring, .. Arguments("download")], Surroundings());
        await process.HearsSignalsAsync();
        await Task.Delay(500);
        process.Signal("INT");
        Assert.Equal((ExitCode.Cancelled, "", "clipbook: stopped.\n"), await process.EndAsync());
    }

    private Dictionary<string, string?> Surroundings()
    {
        _silent.Start();
        string endpoint = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)_silent.LocalEndpoint).Port}");
        return new Dictionary<string, string?>
        {
            ["OMP_NUM_THREADS"] = "1",
            ["HF_ENDPOINT"] = endpoint,
            ["HF_HUB_CACHE"] = Path.Combine(_folder.Path, "cache"),
            ["HF_HUB_OFFLINE"] = "0",
            ["NO_PROXY"] = "127.0.0.1",
        };
    }

    private string[] Arguments(string command)
    {
        string images = Path.Combine(Lesson.Data, "images"), place = Path.Combine(_folder.Path, $"{Guid.NewGuid():N}");
        return command switch
        {
            "run" => ["run", "--only", "1,2", "--output", place],
            "plots" => ["plots", "--output", place],
            "train" => ["train", "--steps", "100000", "--output", place],
            "classify" => ["classify", Many(), "--labels", "cat,dog,pizza"],
            "index" => ["index", Many(), "--index", place],
            "embed" => ["embed", Many(), "--output", place],
            "search" => ["search", "a cat", "--index", Index(images)],
            "download" => ["download", "nobody/nothing"],
            "serve" => ["serve", "00", "--port", "0", "--output", place],
            "mcp" => ["mcp", "--images", images],
            "serve --api" => ["serve", "--api", "--port", "0", "--index", place],
            "export" => ["export", "00", "01", "--to", "ipynb", "--outputs", "--output", place],
            _ => [command],
        };
    }

    /// <summary>Links to ten thousand pictures, the work of many seconds.</summary>
    private string Many()
    {
        string place = Path.Combine(_folder.Path, "many");
        if (Directory.Exists(place))
            return place;
        Directory.CreateDirectory(place);
        string[] pictures = Directory.GetFiles(Lesson.EmojiPictures, "*.webp");
        for (int i = 0; i < 10_000; i++) File.CreateSymbolicLink(Path.Combine(place, $"{i}.webp"), pictures[i % pictures.Length]);
        return place;
    }

    private string Index(string images)
    {
        string place = Path.Combine(_folder.Path, "searched");
        if (!Directory.Exists(place))
            Assert.Equal(ExitCode.Success, Program.RunAsync(["index", images, "--index", place], TextWriter.Null).GetAwaiter().GetResult());
        return place;
    }
}
