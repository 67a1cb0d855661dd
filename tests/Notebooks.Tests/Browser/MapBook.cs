using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;

namespace ClipNotebooks.Notebooks.Tests.Browser;

/// <summary>
/// The book of the lessons as they are read from their files, none of them run: its map, its words, the way between its pages.
/// </summary>
public sealed class MapBook : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("clip-map-");

    public MapBook() => BookWriter.Write([.. Lessons.Paths.Select(Unrun)], Folder);

    internal string Folder => Path.Combine(_folder.FullName, "book");

    /// <summary>As a reader opens it: a file, by its path.</summary>
    internal Uri this[string page] => new(Path.Combine(Folder, page));

    private static LessonResult Unrun(string path)
    {
        Notebook notebook = Notebook.Load(path);
        return new(path, notebook, [.. notebook.CodeCells.Select(cell => new CellResult(cell, [], null, null))], [], 0);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
