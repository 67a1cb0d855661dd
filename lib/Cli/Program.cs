using System.CommandLine;
using System.CommandLine.Help;
using ClipNotebooks.Cli.Commands;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Inference;

namespace ClipNotebooks.Cli;

/// <summary>`clipbook`: each command is a file in Commands.</summary>
internal static class Program
{
    internal static readonly Option<bool> Verbose = new("--verbose") { Description = "Show stack traces of failures.", Recursive = true };

    internal static RootCommand Root()
    {
        RootCommand root = Commands();
        CompletionCommand.Fit(root);
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new BriefHelp((HelpAction)help.Action!);
        return root;
    }

    private static RootCommand Commands() => new($"""
        clipbook runs the CLIP lessons and the tools around them.

        Examples:
          clipbook doctor            what is installed, and what to mend
          clipbook run               every lesson, pages into artifacts/book
          clipbook run --only 4      lesson 04 alone
          clipbook serve             the same pages in a browser, reloaded when a lesson changes
          clipbook classify cat.jpg --labels cat,dog,pizza

        {ExitCode.Help}
        """)
    {
        Verbose,
        RunCommand.Create(),
        ServeCommand.Create(),
        McpCommand.Create(),
        RunLessonCommand.Create(),
        ExportCommand.Create(),
        PlotsCommand.Create(),
        DataCommand.Create(),
        TrainCommand.Create(),
        EvaluateCommand.Create(),
        ClassifyCommand.Create(),
        IndexCommand.Create(),
        SearchCommand.Create(),
        EmbedCommand.Create(),
        MergeCommand.Create(),
        ParityCommand.Create(),
        ModelsCommand.Create(),
        DownloadCommand.Create(),
        DoctorCommand.Create(),
        BenchCommand.Create(),
        CompletionCommand.Create(),
    };

    private static Task<int> Main(string[] args)
    {
        NativeProcess.HearInterrupts();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => NativeProcess.LeaveOutDestructors();
        return Interruption.RunAsync(token => RunAsync(args, Console.Error, token));
    }

    internal static async Task<int> RunAsync(string[] args, TextWriter error, CancellationToken token = default)
    {
        // An argument that begins with @ is for the commands to read (labels from a file); it is not a response file with more arguments.
        ParseResult parsed = Root().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            foreach (var problem in parsed.Errors)
                await error.WriteLineAsync(Terminal.Shown($"clipbook: {problem.Message}"));
            await error.WriteLineAsync("See clipbook --help, or clipbook COMMAND --help.");
            return ExitCode.Usage;
        }
        try
        {
            // Interruption alone handles signals; the parser's own handling would throw at the second one.
            InvocationConfiguration configuration = new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(configuration, token);
        }
        catch (OperationCanceledException)
        {
            await error.WriteLineAsync("clipbook: stopped.");
            return ExitCode.Cancelled;
        }
        catch (Exception problem)
        {
            await error.WriteLineAsync(parsed.GetValue(Verbose) ? Terminal.ShownLines($"{problem}")
                : IsForTheReader(problem) ? Terminal.Shown($"clipbook: {problem.Message}")
                : Terminal.ShownLines($"clipbook: {problem.Message} (--verbose shows where this happened)"));
            return problem is UserError known ? known.ExitCode : ExitCode.Failed;
        }
    }

    /// <summary>Whether a failure's message says all that the user needs: which file or download failed, why, and what to do.</summary>
    private static bool IsForTheReader(Exception problem) =>
        problem is UserError or NotebookException or CheckpointException or HubException or NonFiniteException or InvalidDataException
            or FileNotFoundException
            // A model asks for something that is not supported, and the message says what is.
            or NotSupportedException { Source: "ClipNotebooks.Core" or "ClipNotebooks.Clip" };
}
