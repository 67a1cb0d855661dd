using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>
/// Runs one lesson in a process of its own and collects its events: if native code aborts, only this lesson ends, and the cell in which it
/// happened is known.
/// </summary>
internal sealed class LessonProcess(TimeSpan timeout, bool keepGoing, int threads)
{
    /// <summary>How long to wait for a lesson's last output after it has ended.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(5);

    /// <summary>Called with the cell that begins, its place among the code cells (from 1) and their count.</summary>
    internal Action<NotebookCell, int, int>? CellStarted { get; init; }

    /// <exception cref="OperationCanceledException">The run was cancelled; the child process and its children are gone.</exception>
    internal async Task<LessonResult> RunAsync(string path, CancellationToken cancellationToken)
    {
        Stopwatch clock = Stopwatch.StartNew();
        Notebook notebook;
        try
        {
            notebook = Notebook.Load(path);
        }
        catch (NotebookException problem)
        {
            return new(path, null, [], [new(problem.Cell, problem.Line, problem.Problem)], clock.Elapsed.TotalSeconds);
        }
        string events = Path.GetTempFileName();
        try
        {
            LessonRecord record = new(notebook, CellStarted);
            using Process child = Start(path, events);
            StringBuilder said = new();
            child.OutputDataReceived += (_, line) => Keep(said, line.Data);
            child.ErrorDataReceived += (_, line) => Keep(said, line.Data);
            child.BeginOutputReadLine();
            child.BeginErrorReadLine();
            string? ended = await WatchAsync(child, events, record, clock, said, cancellationToken);
            return record.Result(path, ended, clock.Elapsed.TotalSeconds);
        }
        finally
        {
            File.Delete(events);
        }
    }

    private async Task<string?> WatchAsync(Process child, string events, LessonRecord record, Stopwatch clock, StringBuilder said,
        CancellationToken cancellationToken)
    {
        using EventReader reader = new(events);
        try
        {
            while (!child.HasExited && clock.Elapsed < timeout)
            {
                cancellationToken.ThrowIfCancellationRequested();
                reader.Read(record.Add);
                await Task.WhenAny(child.WaitForExitAsync(CancellationToken.None), Task.Delay(100, cancellationToken));
            }
            bool late = !child.HasExited;
            if (late)
                child.Kill(entireProcessTree: true);
            // A process that the lesson started may outlive it and hold its output open.
            await Task.WhenAny(child.WaitForExitAsync(CancellationToken.None), Task.Delay(LastWords, cancellationToken));
            reader.Read(record.Add);
            lock (said)
                return late ? $"stopped: the lesson took longer than its " +
                    $"{timeout.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s (--timeout)."
                    : record.IsComplete ? null
                    : $"the process died here ({Exit(child.ExitCode, said.ToString())}). " + said.ToString().Trim();
        }
        finally
        {
            if (!child.HasExited)
                child.Kill(entireProcessTree: true);
        }
    }

    private static string Exit(int code, string said) => code switch
    {
        134 when said.Contains("Stack overflow", StringComparison.Ordinal) => "exit code 134: a method called itself without end",
        134 when said.Contains("Unhandled exception", StringComparison.Ordinal) =>
            "exit code 134: nothing caught an exception on another thread",
        134 when said.Contains("Process terminated", StringComparison.Ordinal) => "exit code 134: .NET ended it",
        134 => "exit code 134, aborted: native code gave up, usually on tensor shapes that do not fit",
        137 => "exit code 137, killed: usually out of memory",
        139 => "exit code 139, segmentation fault",
        _ => $"exit code {code}",
    };

    private static void Keep(StringBuilder said, string? line)
    {
        lock (said)
            if (said.Length < 4000 && line is not null && !line.StartsWith("frame #", StringComparison.Ordinal)
                && !line.StartsWith("Exception raised from", StringComparison.Ordinal))
                said.AppendLine(line);
    }

    private Process Start(string path, string events)
    {
        string runtime = RuntimeEnvironment.GetRuntimeDirectory();
        string dotnet = Path.GetFullPath(Path.Combine(runtime, "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        ProcessStartInfo info = new(File.Exists(dotnet) ? dotnet : "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, "ClipNotebooks.Cli.dll"), Commands.RunLessonCommand.Name,
            Path.GetFullPath(path), "--result", events];
        foreach (string argument in keepGoing ? [.. arguments, "--keep-going"] : arguments)
            info.ArgumentList.Add(argument);
        string count = threads.ToString(CultureInfo.InvariantCulture);
        info.Environment.TryAdd("OMP_NUM_THREADS", count);
        info.Environment.TryAdd("MKL_NUM_THREADS", count);
        info.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        // A lesson runs most code once, so profiling it for a better second compilation costs more than it gains.
        info.Environment.TryAdd("DOTNET_TieredPGO", "0");
        info.Environment[Workbook.Lesson.LanguageVariable] = Edition.Of(path).Language;
        return Process.Start(info) ?? throw new UserError($"Could not start {info.FileName}.");
    }

    /// <summary>Reads complete lines from a file that is still growing.</summary>
    private sealed class EventReader(string path) : IDisposable
    {
        private readonly FileStream _file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        private readonly List<byte> _rest = [];

        internal void Read(Action<LessonEvent> add)
        {
            byte[] buffer = new byte[1 << 16];
            for (int n; (n = _file.Read(buffer)) > 0;)
                foreach (byte b in buffer.AsSpan(0, n))
                {
                    if (b != '\n')
                    {
                        _rest.Add(b);
                        continue;
                    }
                    add(LessonEvent.FromLine(Encoding.UTF8.GetString([.. _rest])));
                    _rest.Clear();
                }
        }

        public void Dispose() => _file.Dispose();
    }
}
