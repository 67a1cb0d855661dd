using System.Runtime.InteropServices;

namespace ClipNotebooks.Cli.Shell;

/// <summary>What .NET has no API for: ending at once, and signals that the parent process has set to be ignored.</summary>
internal static partial class NativeProcess
{
    internal const int HangUp = 1, Interrupt = 2;

    private const string Status = "/proc/self/status", Self = "/proc/self/exe", CommandLine = "/proc/self/cmdline";
    private const string IgnoredSignals = "SigIgn:";

    /// <summary>
    /// A shell starts background jobs with SIGINT (Ctrl-C) ignored, and .NET then cannot receive it. On Linux this starts the program again
    /// in the same process, with SIGINT no longer ignored.
    /// </summary>
    internal static void HearInterrupts()
    {
        if (!Ignores(Interrupt)) return;
        string?[] arguments = [.. File.ReadAllText(CommandLine).Split('\0')[..^1], null];
        SetSignal(Interrupt, 0);
        Execute(Self, arguments); // returns only if it is not permitted; the program then goes on, and Ctrl-C ends it without a message
    }

    /// <summary>Whether a signal is ignored, as /proc says on Linux; false elsewhere.</summary>
    internal static bool Ignores(int signal)
    {
        if (!OperatingSystem.IsLinux() || !File.Exists(Status)) return false;
        string? line = File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(IgnoredSignals, StringComparison.Ordinal));
        return line is not null && (Convert.ToUInt64(line[IgnoredSignals.Length..].Trim(), 16) >> (signal - 1) & 1) != 0;
    }

    /// <summary>Ends the process at once: no exit handlers, no destructors.</summary>
    internal static void Exit(int code)
    {
        if (!Console.IsOutputRedirected && !OperatingSystem.IsWindows()) Console.CursorVisible = true; // a progress bar hides it
        Console.Out.Flush();
        if (OperatingSystem.IsWindows()) Environment.Exit(code);
        else ExitNow(code);
    }

    /// <summary>
    /// Makes an orderly exit skip the destructors of native libraries, above all libtorch's: they take a tenth of a second or more to free
    /// what the system frees anyway. Call it when all of these are loaded, since what is registered last runs first. The exit code stays.
    /// </summary>
    internal static void LeaveOutDestructors()
    {
        nint program = NativeLibrary.GetMainProgramHandle();
        if (OperatingSystem.IsLinux() && NativeLibrary.TryGetExport(program, "_exit", out nint exitNow)
            && NativeLibrary.TryGetExport(program, "on_exit", out _)) // only glibc has it
            _ = OnExit(exitNow, 0);
    }

    [LibraryImport("libc", EntryPoint = "on_exit")]
    private static partial int OnExit(nint function, nint argument);

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitNow(int code);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint SetSignal(int signal, nint handler);

    [LibraryImport("libc", EntryPoint = "execv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string path, string?[] arguments);
}
