using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>
/// How to run lessons. Parallel is the number of lessons that run at once; the cores are divided among them, since libtorch itself uses
/// several threads.
/// </summary>
internal sealed record RunOptions
{
    internal TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(600);

    internal bool KeepGoing { get; init; }

    internal int Parallel { get; init; } = Math.Min(Environment.ProcessorCount, Math.Clamp(Environment.ProcessorCount / 2, 2, 8));
}

/// <summary>Runs lessons, each in a process of its own, several at once.</summary>
internal static class LessonRunner
{
    /// <returns>One result for each path, in the order of the paths.</returns>
    /// <exception cref="OperationCanceledException">The run was cancelled; no child process is left.</exception>
    internal static async Task<LessonResult[]> RunAsync(
        IReadOnlyList<string> paths, RunOptions options, Func<string, Action<NotebookCell, int, int>>? progress,
        Action<LessonResult>? finished, CancellationToken cancellationToken)
    {
        int parallel = Math.Max(1, Math.Min(options.Parallel, paths.Count));
        int threads = Math.Max(1, Environment.ProcessorCount / parallel);
        LessonResult[] results = new LessonResult[paths.Count];
        ParallelOptions limits = new() { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(Enumerable.Range(0, paths.Count), limits, async (i, token) =>
        {
            LessonProcess process = new(options.Timeout, options.KeepGoing, threads) { CellStarted = progress?.Invoke(paths[i]) };
            results[i] = await process.RunAsync(paths[i], token);
            finished?.Invoke(results[i]);
        });
        return results;
    }

    /// <summary>The lessons with these paths, file names or numbers (ko/03 for the Korean one); all lessons if none is named.</summary>
    /// <exception cref="UserError">No lesson has one of the names or numbers.</exception>
    internal static IReadOnlyList<string> Find(IReadOnlyList<string> names, IReadOnlyList<int> numbers, Edition? edition, string? root)
    {
        string folder = Path.Combine(root ?? ".", "notebooks");
        string[] all = root is null ? [] : [.. All(folder).Where(path => edition is null || Edition.Of(path) == edition)];
        List<string> chosen = [.. names.Select(name => ByName(name, all))];
        if (edition is not null && chosen.Find(path => Edition.Of(path) != edition) is { } other)
            throw new UserError($"{other} is not of the edition that --language {edition.Language} asks for. Leave one of them out.",
                ExitCode.Usage);
        if (names.Count == 0)
            chosen.AddRange(all);
        if (numbers.Count > 0)
            foreach (int number in numbers)
                if (!chosen.Any(path => NumberOf(path) == number))
                    throw new UserError($"No lesson {number:00} among {Listed(chosen)}.", ExitCode.Usage);
        if (chosen.Count == 0)
            throw new UserError($"No lessons: there is no .dib file in {Path.GetFullPath((edition ?? Edition.English).Folder(folder))}. " +
                $"Run clipbook inside the repository, or name lessons by path.", ExitCode.Usage);
        return [.. chosen.Where(path => numbers.Count == 0 || numbers.Contains(NumberOf(path))).Distinct()];
    }

    /// <summary>The lessons below a folder of notebooks, edition by edition, in the order of their names.</summary>
    internal static IEnumerable<string> All(string notebooks) =>
        Edition.All.Select(edition => edition.Folder(notebooks)).Where(Directory.Exists)
        .SelectMany(folder => Directory.GetFiles(folder, "*.dib").Order(StringComparer.Ordinal));

    internal static string NameOf(string path)
    {
        string file = Path.GetFileNameWithoutExtension(path);
        return Edition.Of(path) is { IsEnglish: false } edition ? $"{edition.Language}/{file}" : file;
    }

    private static string ByName(string name, string[] all)
    {
        if (File.Exists(name) || name.EndsWith(".dib", StringComparison.OrdinalIgnoreCase))
            return name;
        string last = name.Split('/')[^1];
        return all.FirstOrDefault(path => NameOf(path) == name
            || (int.TryParse(last, out int number) && NumberOf(path) == number
            && NameOf(path).StartsWith(name[..^last.Length], StringComparison.Ordinal)))
            ?? throw new UserError($"No lesson is called \"{name}\": there are {Listed(all)}.", ExitCode.Usage);
    }

    private static string Listed(IEnumerable<string> paths) => string.Join(", ", paths.Select(NameOf)) is { Length: > 0 } text ? text
        : "none";

    internal static int NumberOf(string path) => int.TryParse(Path.GetFileName(path).Split('-', '.')[0], out int number) ? number : -1;
}
