using System.CommandLine;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Commands;

/// <summary>
/// The child process of `clipbook run`: runs one lesson and appends its events to a file as JSON lines. Hidden from the help.
/// </summary>
internal static class RunLessonCommand
{
    internal const string Name = "run-lesson";

    internal static Command Create()
    {
        Argument<string> lesson = new("lesson");
        Option<string> result = new("--result") { Required = true };
        Option<bool> keepGoing = new("--keep-going");
        Command command = new(Name, "Runs one lesson for clipbook run, in a process of its own.") { lesson, result, keepGoing };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            ExitWithParent();
            using StreamWriter events = new(new FileStream(
                parsed.GetRequiredValue(result), FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
            LessonOutput output = new(happened => events.Write(happened.ToLine() + "\n"));
            LessonKernel kernel = new(Notebook.Load(parsed.GetRequiredValue(lesson)), output);
            bool passed = LessonThread.Run(() => kernel.RunAsync(parsed.GetValue(keepGoing)));
            events.Write(new LessonEvent.Completed(LiveTensors.Count()).ToLine() + "\n");
            events.Flush();
            // Threads that a cell started must not keep the process alive.
            Environment.Exit(passed ? ExitCode.Success : ExitCode.Failed);
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>Standard input is a pipe from the parent: when it ends, the parent is gone.</summary>
    private static void ExitWithParent()
    {
        Stream parent = Console.OpenStandardInput();
        Thread watch = new(() =>
        {
            while (parent.ReadByte() >= 0)
            {
            }
            Environment.Exit(ExitCode.Cancelled);
        })
        { IsBackground = true, Name = "parent watch" };
        watch.Start();
    }
}
