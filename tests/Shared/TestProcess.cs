using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace ClipNotebooks.Tests;

/// <summary>
/// A process that a test starts. It has a time limit, and it never outlives the test: when it is disposed or its time is over, it is killed
/// with all processes that it started.
/// </summary>
internal sealed class TestProcess : IDisposable
{
    /// <summary>The default time limit, long enough for a busy machine.</summary>
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly TimeSpan _limit;
    private readonly CancellationTokenSource _over;
    private readonly object _lock = new();
    private readonly Task _read;
    private readonly string _name;
    private string _output = "", _error = "";

    private TestProcess(ProcessStartInfo info, TimeSpan limit)
    {
        (_limit, _name) = (limit, $"{info.FileName} {string.Join(' ', info.ArgumentList)}");
        (info.RedirectStandardOutput, info.RedirectStandardError) = (true, true);
        _process = Process.Start(info)!;
        _over = new CancellationTokenSource(limit);
        _over.Token.Register(Kill);
        _read = Task.WhenAll(
            ReadAsync(_process.StandardOutput, text => _output += text), ReadAsync(_process.StandardError, text => _error += text));
    }

    /// <summary>The program that runs .NET assemblies.</summary>
    internal static string DotNet { get; } = Path.GetFullPath(Path.Combine(
        RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));

    /// <summary>Starts a program.</summary>
    /// <param name="program">On the PATH, or a path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Environment variables to set in addition; null removes one.</param>
    /// <param name="folder">The working directory.</param>
    /// <param name="limit">After how long it is killed; five minutes by default.</param>
    /// <exception cref="System.ComponentModel.Win32Exception">There is no such program.</exception>
    internal static TestProcess Start(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null, string folder = "",
        TimeSpan? limit = null)
    {
        ProcessStartInfo info = new(program, arguments) { WorkingDirectory = folder };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>()) info.Environment[name] = value;
        return new TestProcess(info, limit ?? DefaultLimit);
    }

    /// <summary>Runs a program to its end.</summary>
    internal static async Task<(int Code, string Output, string Error)> RunAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null, string folder = "",
        TimeSpan? limit = null)
    {
        using var process = Start(program, arguments, environment, folder, limit);
        return await process.EndAsync();
    }

    internal bool HasExited => _process.HasExited;

    /// <summary>What it has written so far.</summary>
    internal string Output
    {
        get { lock (_lock) return _output; }
    }

    /// <summary>What it has written so far to the error stream.</summary>
    internal string Error
    {
        get { lock (_lock) return _error; }
    }

    /// <summary>Waits until its output contains a text, or until it has ended.</summary>
    internal async Task SaysAsync(string text)
    {
        while (!_process.HasExited && !(Output + Error).Contains(text, StringComparison.Ordinal)) await Task.Delay(5);
    }

    /// <summary>Waits until a .NET program has installed its signal handlers, which Linux shows: only then is SIGHUP caught.</summary>
    internal async Task HearsSignalsAsync()
    {
        string status = $"/proc/{_process.Id}/status";
        bool Hears()
        {
            try
            {
                string caught = File.ReadLines(status).First(line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
                return (Convert.ToUInt64(caught["SigCgt:".Length..].Trim(), 16) & 1) != 0;
            }
            catch (Exception ended) when (ended is IOException or InvalidOperationException)
            {
                return true;
            }
        }
        if (!OperatingSystem.IsLinux()) await Task.Delay(1000);
        else for (int i = 0; i < 1000 && !Hears(); i++) await Task.Delay(10);
    }

    /// <summary>Sends it a signal: INT, TERM, KILL.</summary>
    internal void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        if (!kill.WaitForExit(DefaultLimit)) kill.Kill();
    }

    /// <summary>Waits for its end.</summary>
    /// <exception cref="TimeoutException">It did not end in time and was killed; the message has what it wrote.</exception>
    internal async Task<(int Code, string Output, string Error)> EndAsync()
    {
        await _process.WaitForExitAsync();
        // A grandchild may hold the pipes open; what the process itself wrote is there by then.
        await Task.WhenAny(_read, Task.Delay(TimeSpan.FromSeconds(10)));
        if (_over.IsCancellationRequested) throw new TimeoutException($"{_name} did not end within {_limit}. It wrote:\n{Output}{Error}");
        return (_process.ExitCode, Output, Error);
    }

    /// <summary>Ends it, and all that it started, at once.</summary>
    internal void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    public void Dispose()
    {
        Kill();
        _process.WaitForExit(DefaultLimit);
        _over.Dispose();
        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader from, Action<string> add)
    {
        var buffer = new char[4096];
        for (int read; (read = await from.ReadAsync(buffer)) > 0;)
            lock (_lock) add(new string(buffer, 0, read));
    }
}
