using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text;
using ClipNotebooks.Workbook.Plotting;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>Writes executed lessons as a folder of pages that need no network: written beside, then renamed into place.</summary>
internal static class BookWriter
{
    private const string Marker = "book.css", PlotLibrary = "plotly.min.js", Plot = "class=\"clip-plot\"";

    /// <exception cref="UserError">The folder holds something that is not a book.</exception>
    internal static void Write(IReadOnlyList<LessonResult> results, string folder)
    {
        string target = Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar);
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any() && !File.Exists(Path.Combine(target, Marker)))
            throw new UserError($"{target} holds files that are not pages of lessons, and it would be replaced as a whole: give --output an empty or a new folder.");
        string unique = "." + Guid.NewGuid().ToString("N")[..8];
        string beside = target + unique + ".new";
        Directory.CreateDirectory(beside);
        try
        {
            string[] names = Names(results);
            File.WriteAllText(Path.Combine(beside, Marker), Resource("book.css"));
            File.WriteAllText(Path.Combine(beside, "index.html"), Index(results, names));
            for (int i = 0; i < results.Count; i++)
                File.WriteAllText(Path.Combine(beside, names[i] + ".html"), new LessonPage(results, names, i).ToHtml());
            if (results.Any(result => result.Cells.Any(cell => cell.Outputs.Any(output => HasPlot(output.Html ?? "")))))
                File.WriteAllText(Path.Combine(beside, PlotLibrary), Plotly.JavaScript);
            Replace(beside, target, target + unique + ".old");
        }
        finally
        {
            if (Directory.Exists(beside))
                Directory.Delete(beside, recursive: true);
        }
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

    /// <summary>Page names: the lessons' own, numbered where two folders hold the same name.</summary>
    private static string[] Names(IReadOnlyList<LessonResult> results)
    {
        HashSet<string> taken = new(StringComparer.OrdinalIgnoreCase) { "index" };
        return [.. results.Select(result =>
        {
            string own = result.Edition.IsEnglish ? result.FileName : $"{result.FileName}.{result.Edition.Language}", name = own;
            for (int i = 2; !taken.Add(name); i++)
                name = string.Create(CultureInfo.InvariantCulture, $"{own}-{i}");
            return name;
        })];
    }

    private static string Resource(string name)
    {
        using StreamReader reader = new(Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    internal static string Document(Edition edition, string title, string body) => $"""
        <!DOCTYPE html>
        <html lang="{edition.Language}">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>{WebUtility.HtmlEncode(title)}</title>
        <link rel="stylesheet" href="book.css">
        {(HasPlot(body) ? $"<script src=\"{PlotLibrary}\" defer></script>" : "")}
        </head>
        <body>
        {body}
        </body>
        </html>

        """;

    private static bool HasPlot(string html) => html.Contains(Plot, StringComparison.Ordinal);

    private static string Index(IReadOnlyList<LessonResult> results, string[] names)
    {
        Edition[] editions = [.. results.Select(result => result.Edition).Distinct()];
        Edition first = editions.FirstOrDefault() ?? Edition.English;
        return Document(first, first.Book, $"""
            <main class="index">
            {string.Concat(editions.Select((edition, i) => Lessons(edition, i == 0 ? "h1" : "h2", results, names)))}</main>
            """);
    }

    private static string Lessons(Edition edition, string heading, IReadOnlyList<LessonResult> results, string[] names)
    {
        StringBuilder rows = new();
        foreach (var (result, name) in results.Zip(names).Where(pair => pair.First.Edition == edition))
            rows.Append(CultureInfo.InvariantCulture, $"""
                <tr><td><a href="{Uri.EscapeDataString(name)}.html">{WebUtility.HtmlEncode(result.Notebook?.Title ?? result.Name)}</a></td>
                <td>{result.Cells.Count}</td><td class="{(result.Failures.Count == 0 ? "passed" : "failed")}">{(result.Failures.Count == 0 ? edition.Passed : edition.Failures(result.Failures.Count))}</td><td>{result.Seconds:0.0}</td></tr>

                """);
        return $"""
            <section lang="{edition.Language}">
            <{heading}>{edition.Book}</{heading}>
            <p>{edition.About}</p>
            <div class="scroll"><table><thead><tr><th>{edition.Lesson}</th><th>{edition.CodeCells}</th><th>{edition.Result}</th><th>{edition.Seconds}</th></tr></thead>
            <tbody>
            {rows}</tbody></table></div>
            </section>

            """;
    }
}
