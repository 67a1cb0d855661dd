using System.Globalization;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Workbook.Plotting;
using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>
/// Writes executed lessons as a folder of pages that need no network and no server. The folder is written beside its place, then renamed.
/// </summary>
internal static class BookWriter
{
    /// <exception cref="UserError">The folder holds something that is not a book, or cannot be written.</exception>
    internal static void Check(string folder)
    {
        if (File.Exists(folder))
            throw new UserError($"{Path.GetFullPath(folder)} is a file: give --output an empty or a new folder.");
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()
            && !File.Exists(Path.Combine(folder, BookPage.Style)))
            throw new UserError($"{Path.GetFullPath(folder)} holds files that are not pages of lessons, and it would be replaced as a " +
                $"whole: give --output an empty or a new folder.");
        try
        {
            Directory.Delete(CreateBeside(Target(folder)));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new UserError($"{Path.GetFullPath(folder)} cannot be written: {problem.Message} Give --output another folder.");
        }
    }

    /// <summary>The folder itself, where a link leads to it.</summary>
    private static string Target(string folder)
    {
        string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        return Directory.Exists(path) ? Directory.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path;
    }

    /// <summary>A new folder for the pages: beside the target, or inside of one whose own folder cannot be written.</summary>
    private static string CreateBeside(string target)
    {
        string unique = $".{Guid.NewGuid().ToString("N")[..8]}.new";
        try
        {
            return Directory.CreateDirectory(target + unique).FullName;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException && Directory.Exists(target))
        {
            return Directory.CreateDirectory(Path.Combine(target, unique)).FullName;
        }
    }

    /// <exception cref="UserError">The folder holds something that is not a book.</exception>
    internal static void Write(IReadOnlyList<LessonResult> results, string folder)
    {
        Check(folder);
        string target = Target(folder), beside = CreateBeside(target);
        try
        {
            string[] names = Names(results);
            BookLesson[] lessons = [.. results.Zip(names, (result, name) => BookLesson.Of(result, name, target))];
            foreach (var (name, text) in Shared(lessons))
                File.WriteAllText(Path.Combine(beside, name), text);
            for (int i = 0; i < results.Count; i++)
                File.WriteAllText(Path.Combine(beside, names[i] + ".html"), new LessonPage(results[i], lessons, i).ToHtml());
            foreach (var (name, create) in results.SelectMany(Needs).DistinctBy(file => file.Name))
                File.WriteAllText(Path.Combine(beside, name), create());
            Replace(beside, target);
        }
        finally
        {
            if (Directory.Exists(beside))
                Directory.Delete(beside, recursive: true);
        }
    }

    /// <summary>
    /// Puts lessons' new pages into a book, those of new lessons too; each file is written beside its place, then renamed. What other pages
    /// say about these lessons, such as a title in a link, stays until those pages are written.
    /// </summary>
    internal static void Update(IReadOnlyList<LessonResult> results, string folder)
    {
        string book = Path.GetFullPath(folder);
        List<BookLesson> lessons = [.. BookLesson.Read(folder) ?? []];
        List<BookLesson> written = [];
        foreach (LessonResult result in results)
        {
            int at = lessons.FindIndex(lesson => Path.GetFullPath(lesson.Source, book) == Path.GetFullPath(result.Path));
            HashSet<string> taken = new(lessons.Select(other => other.Page), StringComparer.OrdinalIgnoreCase);
            BookLesson lesson = BookLesson.Of(result, at >= 0 ? lessons[at].Page : Name(result, taken), book);
            if (at >= 0)
                lessons[at] = lesson;
            else
                lessons.Insert(Place(lesson, lessons), lesson);
            written.Add(lesson);
        }
        // Also written if they are there: those may be of an earlier version.
        foreach (var (name, create) in results.SelectMany(Needs).DistinctBy(file => file.Name))
            AtomicFile.Write(Path.Combine(folder, name), create());
        foreach (var (name, text) in Shared(lessons))
            AtomicFile.Write(Path.Combine(folder, name), text);
        foreach (var (result, lesson) in results.Zip(written))
        {
            LessonPage page = new(result, lessons, lessons.IndexOf(lesson));
            AtomicFile.Write(Path.Combine(folder, lesson.Page + ".html"), page.ToHtml());
        }
        foreach (string left in Unnamed(folder))
            File.Delete(left);
    }

    /// <summary>Files of shared content that an earlier version of a page used and no page uses now.</summary>
    private static IEnumerable<string> Unnamed(string folder)
    {
        string[] files = Directory.GetFiles(folder, SharedContent.Pattern);
        if (files.Length == 0)
            return [];
        string pages = string.Concat(Directory.GetFiles(folder, "*.html").Select(File.ReadAllText));
        return files.Where(file => !pages.Contains(Path.GetFileName(file), StringComparison.Ordinal));
    }

    /// <summary>The place of a new lesson: among those of its language, by name.</summary>
    private static int Place(BookLesson lesson, List<BookLesson> lessons)
    {
        int before = lessons.FindIndex(other => other.Language == lesson.Language
            && string.CompareOrdinal(other.FileName, lesson.FileName) > 0);
        return before >= 0 ? before : lessons.FindLastIndex(other => other.Language == lesson.Language) is >= 0 and var last ? last + 1
            : lessons.Count;
    }

    /// <summary>Puts the new pages in the place of the old ones: as a whole, where the folder can be renamed.</summary>
    private static void Replace(string beside, string target)
    {
        string old = $"{beside}.old";
        try
        {
            if (Directory.Exists(target))
                Directory.Move(target, old);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            ReplaceFiles(beside, target); // a container's volume, or a folder in one that cannot be written
            return;
        }
        try
        {
            Directory.Move(beside, target);
        }
        catch
        {
            if (Directory.Exists(old))
                Directory.Move(old, target);
            throw;
        }
        if (Directory.Exists(old))
            Directory.Delete(old, recursive: true);
    }

    /// <summary>The same file by file, the pages that remain of the old ones last.</summary>
    internal static void ReplaceFiles(string beside, string target)
    {
        string[] names = [.. Directory.GetFiles(beside).Select(path => Path.GetFileName(path))];
        foreach (string name in names)
            AtomicFile.Put(Path.Combine(target, name), part => File.Copy(Path.Combine(beside, name), part));
        foreach (string left in Directory.GetFiles(target).Where(path => !names.Contains(Path.GetFileName(path))))
            File.Delete(left);
    }

    private static string[] Names(IReadOnlyList<LessonResult> results)
    {
        HashSet<string> taken = new(StringComparer.OrdinalIgnoreCase);
        return [.. results.Select(result => Name(result, taken))];
    }

    /// <summary>The name of a lesson's page: the lesson's own, with a number if that is taken. The name is then taken.</summary>
    private static string Name(LessonResult result, HashSet<string> taken)
    {
        taken.UnionWith(Edition.All.SelectMany(edition => new[] { edition.PageOf(BookPage.Index), edition.PageOf(BookPage.Glossary) }));
        string own = result.Edition.PageOf(result.FileName), name = own;
        for (int i = 2; !taken.Add(name); i++)
            name = string.Create(CultureInfo.InvariantCulture, $"{own}-{i}");
        return name;
    }

    /// <summary>The scripts that a lesson's page loads from files beside it.</summary>
    private static IEnumerable<(string Name, Func<string> Create)> Needs(LessonResult result)
    {
        string[] shown = [.. result.Cells.SelectMany(cell => cell.Outputs).Select(output => output.Html ?? "")];
        if (shown.Any(BookPage.HasPlot))
            yield return (BookPage.PlotLibrary, () => Plotly.JavaScript);
        foreach (string file in shown.SelectMany(InteractiveModel.FilesOf).Distinct(StringComparer.Ordinal))
            yield return (file, () => InteractiveModel.Create(file));
        foreach (var content in shown.SelectMany(SharedContent.FilesOf))
            yield return content;
    }

    /// <summary>The files of the book as a whole. A book without English lessons has an index.html too.</summary>
    private static IEnumerable<(string Name, string Text)> Shared(IReadOnlyList<BookLesson> lessons)
    {
        yield return (BookPage.Style, Resource.Text(BookPage.Style));
        yield return (BookPage.Script, Resource.Text(BookPage.Script));
        Edition[] editions = [.. lessons.Select(lesson => lesson.Edition).Distinct().DefaultIfEmpty(Edition.English)];
        foreach (Edition edition in editions)
        {
            var own = lessons.Where(lesson => lesson.Language == edition.Language);
            yield return (BookLesson.FileOf(edition.Language), BookLesson.Write(own));
            yield return (edition.PageOf(BookPage.Index) + ".html", IndexPage.Of(edition, lessons));
            yield return (edition.PageOf(BookPage.Glossary) + ".html", Glossary.Page(edition, editions));
        }
        if (!editions.Contains(Edition.English))
            yield return (BookPage.Index + ".html", IndexPage.Of(editions[0], lessons));
    }
}
