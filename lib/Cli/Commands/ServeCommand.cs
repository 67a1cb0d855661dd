using System.CommandLine;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;
using ClipNotebooks.Cli.Service;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Commands;

/// <summary>
/// `clipbook serve`: shows the book in a browser and runs changed lessons again; with --api, the service over HTTP instead.
/// </summary>
internal static class ServeCommand
{
    /// <summary>How often the lessons' files are checked. Polling sees changes on every file system, mounted and shared ones too.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(300);

    internal static Command Create()
    {
        Argument<string[]> lessons = new("lessons") { Description = "Paths, names or numbers of lessons to watch, of the Korean ones as " +
            "ko/03; all below notebooks if none.", Arity = ArgumentArity.ZeroOrMore };
        Option<int?> port = new("--port") { Description = $"The port on 127.0.0.1, 8470 by default, with --api " +
            $"{ServiceOptions.DefaultPort}; 0 for one that is free." };
        Option<string?> language = new("--language") { Description = $"One language alone: {Edition.Languages}. Default: all." };
        Option<string?> output = new("--output") { Description = "Folder of the pages. Default: artifacts/book in the repository." };
        Option<double> timeout = new("--timeout") { Description = "Seconds a lesson may take.", DefaultValueFactory = _ => 600 };
        ServiceCommand service = new();
        lessons.CompletionSources.Add(_ => CompletionCommand.LessonNames());
        language.CompletionSources.Add([.. Edition.All.Select(edition => edition.Language)]);
        Command command = new("serve", $"""
            Shows the book at http://127.0.0.1:8470/, to this machine alone, until Ctrl-C. Where there is no book, the lessons
            are run first, which takes a few minutes; the open page says so and becomes the book. Then a lesson is run again when its file
            changes, and its open page shows what it shows now, failures too.

            With --api, CLIP over HTTP at http://127.0.0.1:8471/ instead: texts and pictures are embedded, pictures classified, found in an
            index, added and removed; the address itself is a search page, /openapi/v1.json says the rest. What comes together is encoded
            together. Other machines are let in by --host, and then with a key alone; who wants TLS puts a proxy before it.

            Examples:
              clipbook serve
              clipbook serve 04 --port 0               one lesson, a free port
              clipbook serve my.dib --output pages
              clipbook serve --api --index artifacts/photos-index
              clipbook serve --api --index artifacts/photos-index --host 0.0.0.0 --key-file key
              curl -H "Content-Type: image/jpeg" --data-binary @cat.jpg "http://127.0.0.1:8471/v1/classify?label=cat&label=dog"

            {ExitCode.Help}
            """) { lessons, port, language, output, timeout };
        foreach (Option option in service.Options)
            command.Options.Add(option);
        command.SetAction((parsed, token) =>
        {
            bool isService = service.IsAsked(parsed);
            int at = parsed.GetValue(port) ?? (isService ? ServiceOptions.DefaultPort : 8470);
            if (at is < 0 or > 65535)
                throw new UserError($"--port {at}: a number from 1 to 65535 is needed, or 0 for a port that is free.", ExitCode.Usage);
            if (isService)
            {
                if (new Symbol[] { lessons, language, output, timeout }.FirstOrDefault(
                    symbol => parsed.GetResult(symbol) is { } given && given.Tokens.Count > 0) is { } other)
                    throw new UserError($"{other.Name} is for the book, which --api takes the place of: leave one of both out.",
                        ExitCode.Usage);
                return service.RunAsync(parsed, at, token);
            }
            RunOptions options = new() { Timeout = RunCommand.Timeout(parsed.GetValue(timeout)) };
            string? root = RepositoryRoot.TryFind();
            string[] names = parsed.GetValue(lessons) ?? [];
            IReadOnlyList<string> Find() => LessonRunner.Find(names, [], Edition.Named(parsed.GetValue(language)), root);
            return ServeAsync(Find, options, parsed.GetValue(output) ?? Path.Combine(root ?? ".", "artifacts", "book"), at, token);
        });
        return command;
    }

    private static async Task<int> ServeAsync(Func<IReadOnlyList<string>> find, RunOptions options, string folder, int port,
        CancellationToken token)
    {
        IReadOnlyList<string> lessons = find();
        bool hasBook = BookLesson.Read(folder) is not null, hasFolder = Directory.Exists(folder);
        if (!hasBook)
            BookWriter.Check(folder);
        try
        {
            // The server reads from a folder that is there; the first run replaces it as a whole.
            Directory.CreateDirectory(folder);
            await using BookServer server = await BookServer.StartAsync(folder, port, token);
            Terminal.WriteLine($"{server.Address} shows {Path.GetFullPath(folder)}. Ctrl-C ends it.");
            var shown = hasBook ? Shown(folder) : await RunFirstAsync(lessons, options, folder, server, token);
            return await FollowAsync(find, lessons, shown, options, folder, server, token);
        }
        finally
        {
            if (!hasFolder && Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
                Directory.Delete(folder);
        }
    }

    /// <summary>Runs all lessons and writes the book.</summary>
    /// <returns>
    /// Each lesson's last write time before the run: what is changed during it is seen as changed afterwards, though its page is newer.
    /// </returns>
    private static async Task<Dictionary<string, DateTime>> RunFirstAsync(
        IReadOnlyList<string> lessons, RunOptions options, string folder, BookServer server, CancellationToken token)
    {
        var versions = lessons.DistinctBy(Path.GetFullPath).ToDictionary(Path.GetFullPath, File.GetLastWriteTimeUtc);
        int ran = 0;
        server.Tell($"0 / {lessons.Count}");
        await RunCommand.RunAsync(lessons, all: true, options, folder,
            result => server.Tell($"{result.Name}: {Interlocked.Increment(ref ran)} / {lessons.Count}"), token);
        server.Tell("");
        return versions;
    }

    /// <summary>Runs lessons again as they change, until it is cancelled.</summary>
    private static async Task<int> FollowAsync(Func<IReadOnlyList<string>> find, IReadOnlyList<string> lessons,
        Dictionary<string, DateTime> shown, RunOptions options, string folder, BookServer server, CancellationToken token)
    {
        while (true)
        {
            try
            {
                lessons = find();
            }
            catch (UserError)
            {
                // An editor that writes a new file and then renames it leaves a moment in which the lesson is missing.
            }
            // The lesson that was changed last comes first, since somebody is working on it.
            string? changed = lessons.Where(File.Exists).Where(
                path => shown.GetValueOrDefault(Path.GetFullPath(path)) != File.GetLastWriteTimeUtc(path)).MaxBy(File.GetLastWriteTimeUtc);
            if (changed is null)
                await Task.Delay(Interval, token);
            else
                shown[Path.GetFullPath(changed)] = await RunAgainAsync(changed, options, folder, server, token);
        }
    }

    /// <summary>
    /// For each lesson whose page is newer than its file, the file's last write time; any other time of the file, an earlier one too, means
    /// that the page does not show it.
    /// </summary>
    private static Dictionary<string, DateTime> Shown(string folder) => (BookLesson.Read(folder) ?? [])
        .Select(lesson => (Path: Path.GetFullPath(lesson.Source, Path.GetFullPath(folder)),
            Page: Path.Combine(folder, lesson.Page + ".html"))).DistinctBy(lesson => lesson.Path)
        .Where(lesson => File.GetLastWriteTimeUtc(lesson.Page) >= File.GetLastWriteTimeUtc(lesson.Path))
        .ToDictionary(lesson => lesson.Path, lesson => File.GetLastWriteTimeUtc(lesson.Path));

    /// <summary>Runs a lesson and writes its page, or stops when the lesson is changed meanwhile.</summary>
    /// <returns>The last write time of the file that was run.</returns>
    private static async Task<DateTime> RunAgainAsync(
        string path, RunOptions options, string folder, BookServer server, CancellationToken token)
    {
        DateTime version = File.GetLastWriteTimeUtc(path);
        string name = LessonRunner.NameOf(path);
        server.Tell($"{name} …");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(token);
        var run = LessonRunner.RunAsync([path], options, _ => (_, at, count) => server.Tell($"{name}: {at} / {count}"), null, stop.Token);
        while (!run.IsCompleted)
        {
            await Task.WhenAny(run, Task.Delay(Interval, CancellationToken.None));
            if (File.GetLastWriteTimeUtc(path) != version)
                await stop.CancelAsync();
        }
        try
        {
            LessonResult result = (await run)[0];
            BookWriter.Update([result], folder);
            Terminal.WriteLine(RunCommand.Line(result));
            foreach (CellFailure failure in result.Failures)
                Terminal.WriteErrorLines(result.Report(failure));
            server.Tell(result.Failures.Count == 0 ? "" : $"{name}: {result.Edition.Failures(result.Failures.Count)}");
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            Terminal.WriteError($"clipbook: the page of {name} was not written: {problem.Message}");
            server.Tell($"{name}: {problem.Message}");
        }
        return version;
    }
}
