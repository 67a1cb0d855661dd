using System.Globalization;
using System.Reflection;
using System.Text;
using ClipNotebooks.Clip.Base;
using ClipNotebooks.Workbook.Plotting;
using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>Writes executed lessons as a folder of pages that need no network and no server: written beside, then renamed into place.</summary>
internal static class BookWriter
{
    /// <exception cref="UserError">The folder holds something that is not a book.</exception>
    internal static void Check(string folder)
    {
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any() && !File.Exists(Path.Combine(folder, BookPage.Style)))
            throw new UserError($"{Path.GetFullPath(folder)} holds files that are not pages of lessons, and it would be replaced as a whole: give --output an empty or a new folder.");
    }

    /// <exception cref="UserError">The folder holds something that is not a book.</exception>
    internal static void Write(IReadOnlyList<LessonResult> results, string folder)
    {
        Check(folder);
        string target = Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar);
        string unique = "." + Guid.NewGuid().ToString("N")[..8];
        string beside = target + unique + ".new";
        Directory.CreateDirectory(beside);
        try
        {
            string[] names = Names(results);
            BookLesson[] lessons = [.. results.Zip(names, (result, name) => BookLesson.Of(result, name, target))];
            File.WriteAllText(Path.Combine(beside, BookPage.Style), Resource(BookPage.Style));
            File.WriteAllText(Path.Combine(beside, BookPage.Script), Resource(BookPage.Script));
            File.WriteAllText(Path.Combine(beside, "index.html"), Index(lessons));
            foreach (var edition in lessons.GroupBy(lesson => lesson.Language))
                File.WriteAllText(Path.Combine(beside, BookLesson.FileOf(edition.Key)), BookLesson.Write(edition));
            for (int i = 0; i < results.Count; i++)
                File.WriteAllText(Path.Combine(beside, names[i] + ".html"), new LessonPage(results[i], lessons, i).ToHtml());
            foreach (var (name, create) in results.SelectMany(Needs).DistinctBy(file => file.Name))
                File.WriteAllText(Path.Combine(beside, name), create());
            Replace(beside, target, target + unique + ".old");
        }
        finally
        {
            if (Directory.Exists(beside))
                Directory.Delete(beside, recursive: true);
        }
    }

    /// <summary>
    /// Puts one lesson's new page into a book, or a new lesson's first, each file beside its place and then renamed. What other pages say of the lesson, its title in a link, stays until they
    /// are written.
    /// </summary>
    /// <returns>The name of its page.</returns>
    internal static string Update(LessonResult result, string folder)
    {
        List<BookLesson> lessons = [.. BookLesson.Read(folder) ?? []];
        int at = lessons.FindIndex(lesson => Path.GetFullPath(lesson.Source, Path.GetFullPath(folder)) == Path.GetFullPath(result.Path));
        BookLesson lesson = BookLesson.Of(result, at >= 0 ? lessons[at].Page : Name(result, new(lessons.Select(other => other.Page), StringComparer.OrdinalIgnoreCase)), Path.GetFullPath(folder));
        if (at >= 0)
            lessons[at] = lesson;
        else
            lessons.Insert(at = Place(lesson, lessons), lesson);
        foreach (var (name, create) in Needs(result).Where(file => !File.Exists(Path.Combine(folder, file.Name))))
            AtomicFile.Write(Path.Combine(folder, name), create());
        string list = BookLesson.Write(lessons.Where(other => other.Language == lesson.Language));
        AtomicFile.Write(Path.Combine(folder, BookLesson.FileOf(lesson.Language)), list);
        AtomicFile.Write(Path.Combine(folder, "index.html"), Index(lessons));
        AtomicFile.Write(Path.Combine(folder, lesson.Page + ".html"), new LessonPage(result, lessons, at).ToHtml());
        return lesson.Page;
    }

    /// <summary>Where a new lesson belongs: in its edition, by its name.</summary>
    private static int Place(BookLesson lesson, List<BookLesson> lessons)
    {
        int before = lessons.FindIndex(other => other.Language == lesson.Language && string.CompareOrdinal(other.FileName, lesson.FileName) > 0);
        return before >= 0 ? before : lessons.FindLastIndex(other => other.Language == lesson.Language) is >= 0 and var last ? last + 1 : lessons.Count;
    }

    private static void Replace(string beside, string target, string old)
    {
        bool existed = Directory.Exists(target);
        if (existed)
            Directory.Move(target, old);
        Directory.Move(beside, target);
        if (existed)
            Directory.Delete(old, recursive: true);
    }

    private static string[] Names(IReadOnlyList<LessonResult> results)
    {
        HashSet<string> taken = new(StringComparer.OrdinalIgnoreCase);
        return [.. results.Select(result => Name(result, taken))];
    }

    /// <summary>A page's name: the lesson's own, numbered where two folders hold the same name. It is taken from then on.</summary>
    private static string Name(LessonResult result, HashSet<string> taken)
    {
        taken.Add("index");
        string own = result.Edition.IsEnglish ? result.FileName : $"{result.FileName}.{result.Edition.Language}", name = own;
        for (int i = 2; !taken.Add(name); i++)
            name = string.Create(CultureInfo.InvariantCulture, $"{own}-{i}");
        return name;
    }

    internal static string Resource(string name)
    {
        using StreamReader reader = new(Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    /// <summary>The scripts that a lesson's page loads from beside it.</summary>
    private static IEnumerable<(string Name, Func<string> Create)> Needs(LessonResult result)
    {
        string[] shown = [.. result.Cells.SelectMany(cell => cell.Outputs).Select(output => output.Html ?? "")];
        if (shown.Any(BookPage.HasPlot))
            yield return (BookPage.PlotLibrary, () => Plotly.JavaScript);
        foreach (string file in shown.Any(InteractiveModel.IsAskedForBy) ? InteractiveModel.Files : [])
            yield return (file, () => InteractiveModel.Create(file));
    }

    private static string Index(IReadOnlyList<BookLesson> lessons)
    {
        Edition[] editions = [.. lessons.Select(lesson => lesson.Edition).Distinct()];
        Edition first = editions.FirstOrDefault() ?? Edition.English;
        return BookPage.Document(first, first.Book, editions.Select(edition => edition.Language), "", "", $"""
            <main id="main" class="index" tabindex="-1">
            {string.Concat(editions.Select((edition, i) => Lessons(edition, i == 0 ? "h1" : "h2", lessons)))}</main>
            """);
    }

    private static string Lessons(Edition edition, string heading, IReadOnlyList<BookLesson> lessons)
    {
        StringBuilder rows = new();
        foreach (BookLesson lesson in lessons.Where(lesson => lesson.Language == edition.Language))
            rows.Append(CultureInfo.InvariantCulture, $"""
                <tr><td><a href="{lesson.Address}">{BookPage.Text(lesson.Title)}</a></td>
                <td>{lesson.CodeCells}</td><td class="{(lesson.Failures == 0 ? "passed" : "failed")}">{(lesson.Failures == 0 ? edition.Passed : edition.Failures(lesson.Failures))}</td><td>{lesson.Seconds:0.0}</td></tr>

                """);
        return $"""
            <section lang="{edition.Language}">
            <{heading}>{edition.Book}</{heading}>
            <p>{edition.About}</p>
            <div class="scroll" tabindex="0"><table><thead><tr><th>{edition.Lesson}</th><th>{edition.CodeCells}</th><th>{edition.Result}</th><th>{edition.Seconds}</th></tr></thead>
            <tbody>
            {rows}</tbody></table></div>
            </section>

            """;
    }
}
