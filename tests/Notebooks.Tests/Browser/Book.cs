using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;

namespace ClipNotebooks.Notebooks.Tests.Browser;

/// <summary>The book of the lessons' one run, in a folder that goes with the tests.</summary>
public sealed class Book : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("clip-book-");

    private readonly HashSet<string> _run;

    public Book(LessonRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        BookWriter.Write([.. run.Results.Values], Folder);
        _run = [.. run.Results.Values.Select(lesson => lesson.Path).Where(LessonRun.Runs).Select(PageOf)];
    }

    /// <summary>Every page: index.html and one a lesson and language.</summary>
    public static TheoryData<string> Pages { get; } = [.. Lessons.Paths.Select(PageOf).Prepend("index.html")];

    /// <summary>Whether a page has the outputs of its lesson.</summary>
    internal bool Shows(string page) => page == "index.html" || _run.Contains(page);

    internal string Folder => Path.Combine(_folder.FullName, "book");

    /// <summary>As a reader opens it: a file, by its path.</summary>
    internal Uri this[string page] => new(Path.Combine(Folder, page));

    private static string PageOf(string path) => Edition.Of(path).PageOf(Path.GetFileNameWithoutExtension(path)) + ".html";

    public void Dispose() => _folder.Delete(recursive: true);
}
