using System.CommandLine;
using System.Globalization;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;
using ClipNotebooks.Cli.Shell;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook run`: executes lessons and writes their pages.</summary>
internal static class RunCommand
{
    internal static Command Create()
    {
        Argument<string[]> lessons = new("lessons") { Description = "Paths, names or numbers of lessons, of the Korean ones as ko/03; " +
            "all below notebooks if none.", Arity = ArgumentArity.ZeroOrMore };
        Option<double> timeout = new("--timeout") { Description = "Seconds a lesson may take.", DefaultValueFactory = _ => 600 };
        Option<bool> keepGoing = new("--keep-going") { Description = "Run the later cells of a lesson after one fails. (Other lessons " +
            "run in any case.)" };
        Option<string> only = new("--only") { HelpName = "numbers", Description = "Numbers of the lessons to run, such as 3,4.",
            DefaultValueFactory = _ => "" };
        Option<string?> language = new("--language") { Description = $"One language alone: {Edition.Languages}. Default: all." };
        Option<string?> output = new("--output")
        {
            Description = "Folder of the pages: replaced as a whole; where only some lessons are run, those lessons' pages in it. "
                + "Default: artifacts/book in the repository.",
        };
        Option<int> parallel = new("--parallel") { Description = "Lessons at once.", DefaultValueFactory = _ => new RunOptions().Parallel };
        lessons.CompletionSources.Add(_ => CompletionCommand.LessonNames());
        only.CompletionSources.Add(_ => CompletionCommand.LessonNames().Where(name => !name.Contains('/', StringComparison.Ordinal)));
        language.CompletionSources.Add([.. Edition.All.Select(edition => edition.Language)]);
        Command command = new("run", $"""
            Runs lessons without an editor, each .dib file in a process of its own, and writes them as HTML pages.

            Examples:
              clipbook run                                  all lessons, in every language
              clipbook run 04                               one lesson, by number, name or path
              clipbook run ko/04                            the same in Korean
              clipbook run --only 3,4 --language en         two lessons, in English alone
              clipbook run my.dib --output pages --keep-going

            A run of some lessons puts their pages into the book that is there and leaves its other pages as they are.

            {ExitCode.Help}
            """) { lessons, timeout, keepGoing, only, language, output, parallel };
        command.SetAction((parsed, token) =>
        {
            int atOnce = parsed.GetValue(parallel);
            if (atOnce < 1)
                throw new UserError($"--parallel {atOnce}: at least 1 is needed.", ExitCode.Usage);
            RunOptions options = new() { Timeout = Timeout(parsed.GetValue(timeout)), KeepGoing = parsed.GetValue(keepGoing),
                Parallel = atOnce };
            string? root = RepositoryRoot.TryFind();
            string[] names = parsed.GetValue(lessons) ?? [];
            if (parsed.GetResult(only) is { Implicit: false } && string.IsNullOrWhiteSpace(parsed.GetValue(only)))
                throw new UserError("--only names no lesson; write --only 3,4.", ExitCode.Usage);
            int[] numbers = Numbers(parsed.GetValue(only) ?? "");
            Edition? edition = Edition.Named(parsed.GetValue(language));
            string folder = parsed.GetValue(output) ?? Path.Combine(root ?? ".", "artifacts", "book");
            bool all = names.Length == 0 && numbers.Length == 0 && edition is null;
            return RunAsync(LessonRunner.Find(names, numbers, edition, root), all, options, folder, null, token);
        });
        return command;
    }

    /// <exception cref="UserError">The number is not above 0, or it is a million or more.</exception>
    internal static TimeSpan Timeout(double seconds) => seconds is > 0 and < 1e6 ? TimeSpan.FromSeconds(seconds)
        : throw new UserError($"--timeout {seconds.ToString(CultureInfo.InvariantCulture)}: a number of seconds above 0 is needed.",
            ExitCode.Usage);

    private static int[] Numbers(string only) => [.. only.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
            : throw new UserError($"--only {only}: \"{part}\" is not a lesson's number; write --only 3,4.", ExitCode.Usage))];

    /// <summary>Runs lessons and writes their book, with a table and the failures on the console.</summary>
    /// <param name="paths">The lessons' files.</param>
    /// <param name="all">Whether these are all lessons, so that the book is replaced; else they are added to the existing book.</param>
    /// <param name="options">How to run them.</param>
    /// <param name="folder">The book's folder.</param>
    /// <param name="finished">Told of each lesson that has run, from any thread; null for nobody.</param>
    /// <param name="token">Cancels the run.</param>
    internal static async Task<int> RunAsync(IReadOnlyList<string> paths, bool all, RunOptions options, string folder,
        Action<LessonResult>? finished, CancellationToken token)
    {
        BookWriter.Check(folder);
        LessonResult[] results = Terminal.Rich().Profile.Capabilities.Interactive
            ? await WithBarsAsync(paths, options, finished, token)
            : await LessonRunner.RunAsync(paths, options, null,
                (Action<LessonResult>)(result => Terminal.WriteLine(Line(result))) + finished, token);
        if (all || BookLesson.Read(folder) is null)
            BookWriter.Write(results, folder);
        else
            BookWriter.Update(results, folder);
        Terminal.Rich().Write(Table(results));
        int code = Report(results);
        Terminal.WriteLine($"Pages: {Path.GetFullPath(Path.Combine(folder, "index.html"))}");
        return code;
    }

    /// <summary>Prints the failures of lessons.</summary>
    /// <returns>The exit code.</returns>
    internal static int Report(LessonResult[] results)
    {
        foreach (LessonResult result in results)
            foreach (CellFailure failure in result.Failures)
                Terminal.WriteErrorLines("\n" + result.Report(failure));
        return results.Any(result => result.Failures.Count > 0) ? ExitCode.Failed : ExitCode.Success;
    }

    private static Task<LessonResult[]> WithBarsAsync(
        IReadOnlyList<string> paths, RunOptions options, Action<LessonResult>? finished, CancellationToken token) =>
        Terminal.Rich().Progress()
        .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new ElapsedTimeColumn())
        .StartAsync(bars =>
        {
            Dictionary<string, ProgressTask> tasks = paths.ToDictionary(
                path => path, path => bars.AddTask(Markup.Escape(Name(path)), autoStart: false));
            return LessonRunner.RunAsync(paths, options, path =>
            {
                tasks[path].StartTask();
                return (cell, at, count) =>
                {
                    tasks[path].MaxValue = count;
                    tasks[path].Value = at - 1;
                    tasks[path].Description = Markup.Escape($"{Name(path)}: cell {cell.Number} ({at} of {count})");
                };
            }, result =>
            {
                tasks[result.Path].Description = Markup.Escape(Name(result.Path)) +
                    (result.Failures.Count == 0 ? " [green]done[/]" : " [red]failed[/]");
                tasks[result.Path].Value = tasks[result.Path].MaxValue;
                tasks[result.Path].StopTask();
                finished?.Invoke(result);
            }, token);
        });

    private static string Name(string path) => LessonRunner.NameOf(path);

    internal static string Line(LessonResult result) => string.Create(CultureInfo.InvariantCulture,
        $"{result.Name}: {(result.Failures.Count == 0 ? "done" : "failed")} in {result.Seconds:0.0} s");

    private static Table Table(LessonResult[] results)
    {
        Table table = new Table().RoundedBorder().AddColumn("lesson").AddColumn(new TableColumn("cells").RightAligned())
            .AddColumn(new TableColumn("failures").RightAligned()).AddColumn(new TableColumn("seconds").RightAligned());
        foreach (LessonResult result in results)
        {
            int ran = result.Cells.Count(cell => cell.Seconds is not null || cell.Failure is not null);
            string cells = ran == result.Cells.Count ? $"{ran}" : $"{ran} of {result.Cells.Count}";
            string failures = result.Failures.Count == 0 ? "0" : $"[red]{result.Failures.Count}[/]";
            table.AddRow(Markup.Escape(result.Name), cells, failures, result.Seconds.ToString("0.0", CultureInfo.InvariantCulture));
        }
        return table;
    }
}
