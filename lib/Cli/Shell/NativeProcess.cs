using System.Runtime.InteropServices;

namespace ClipNotebooks.Cli.Shell;

/// <summary>What .NET has no names for: ending at once, and signals that the parent has ignored.</summary>
internal static partial class NativeProcess
{
    internal const int HangUp = 1, Interrupt = 2;

    private const string Status = "/proc/self/status", Self = "/proc/self/exe", CommandLine = "/proc/self/cmdline";
    private const string IgnoredSignals = "SigIgn:";

    /// <summary>
    /// A shell starts its background jobs with Ctrl-C's signal ignored, and .NET then cannot hear it. On Linux the program is started
    /// anew in its place, with the signal as it is elsewhere.
    /// </summary>
    internal static void HearInterrupts()
    {
        if (!Ignores(Interrupt)) return;
        string?[] arguments = [.. File.ReadAllText(CommandLine).Split('\0')[..^1], null];
        SetSignal(Interrupt, 0);
        Execute(Self, arguments); // returns where it is not permitted; the program then goes on, and Ctrl-C ends it without a word
    }

    /// <summary>Whether a signal is ignored, as Linux tells; elsewhere none is taken to be.</summary>
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
    /// Leaves out, at an orderly end, the destructors of native libraries, libtorch's above all: they take a tenth of a second and more for
    /// what the system frees anyway. Called when all of them are loaded: what is registered last runs first. The exit code stays.
    /// </summary>
    internal static void LeaveOutDestructors()
    {
        nint program = NativeLibrary.GetMainProgramHandle();
        if (OperatingSystem.IsLinux() && NativeLibrary.TryGetExport(program, "_exit", out nint exitNow)
            && NativeLibrary.TryGetExport(program, "on_exit", out _)) // glibc's own
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
