using System.Globalization;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>
/// The index page of a book in one language: the drawing of the architecture, whose parts lead to their lessons; for each lesson a picture,
/// what it asks, needs and teaches, and the reader's mark; and at the end, in small print, what was run when.
/// </summary>
internal static class IndexPage
{
    /// <param name="edition">The page's language.</param>
    /// <param name="lessons">The lessons of the whole book.</param>
    internal static string Of(Edition edition, IReadOnlyList<BookLesson> lessons)
    {
        BookLesson[] own = [.. lessons.Where(lesson => lesson.Language == edition.Language)];
        string pictures = Resource.Text("lessons.svg");
        string? Address(string part) => own.FirstOrDefault(lesson => lesson.Parts.Split(',').Any(at => at.Trim() == part))?.Address;
        string links = $"<a href=\"{edition.PageOf(BookPage.Glossary)}.html\">{edition.Terms}</a>{Twins(edition, lessons)}";
        string[] heads = [edition.Lesson, edition.RanAt, edition.CodeCells, edition.Result, edition.Seconds];
        return BookPage.Document(edition, edition.Book, links, "", $"""
            <main id="main" class="index" tabindex="-1">
            <h1>{edition.Book}</h1>
            <p>{edition.About}</p>
            <div class="front">
            {new ArchitectureMap("all", edition.Language).ToHtml(Address)}
            {Finds(edition, Address("search"))}</div>
            <ol class="cards">
            {string.Concat(own.Select(lesson => Card(lesson, pictures)))}</ol>
            <section class="ran">
            <h2>{edition.Ran}</h2>
            <div class="scroll" tabindex="0"><table><thead><tr>{string.Concat(heads.Select(head => $"<th>{head}</th>"))}</tr></thead>
            <tbody>
            {string.Concat(own.Select(Row))}</tbody></table></div>
            </section>
            {pictures}</main>
            """);
    }

    /// <summary>
    /// The name of the file of what the emoji model finds, which <c>clipbook plots</c> draws, and of the resource made from that file.
    /// </summary>
    internal static string FindsOf(Edition edition) => $"emoji-finds.{edition.Language}.html";

    /// <summary>
    /// What the emoji model finds, with a link to the lesson in which readers can search themselves; empty if the book lacks that lesson.
    /// </summary>
    private static string Finds(Edition edition, string? search) => search is null ? "" : $"""
        <figure>
        {Resource.Text(FindsOf(edition))}<figcaption>{edition.Finds}
        <a href="{search}">{edition.FindsMore}</a></figcaption>
        </figure>

        """;

    private static string Twins(Edition edition, IReadOnlyList<BookLesson> lessons) => string.Concat(
        lessons.Select(lesson => lesson.Edition).Distinct().Where(other => other != edition).Select(other =>
            BookPage.Twin($"{other.PageOf(BookPage.Index)}.html", other)));

    private static string Card(BookLesson lesson, string pictures)
    {
        var (edition, head) = (lesson.Edition, lesson.Head);
        string[] facts =
        [
            head?.Minutes > 0 ? edition.Minutes(head.Minutes) : "",
            head?.Needs.Length > 0 ? $"{edition.Needs} {head.Needs.TrimEnd('.')}" : "",
            lesson.Exercises > 0 ? edition.Exercises(lesson.Exercises) : "",
        ];
        var said = facts.Where(fact => fact.Length > 0);
        string picture = pictures.Contains($"id=\"picture-{lesson.FileName}\"", StringComparison.Ordinal)
            ? $"<svg class=\"picture\" viewBox=\"0 0 96 72\" aria-hidden=\"true\"><use href=\"#picture-{lesson.FileName}\"/></svg>" : "";
        return $"""
            <li class="card" data-lesson="{BookPage.Text(lesson.FileName)}">
            {picture}<div>
            <h2><a href="{lesson.Address}">{BookPage.Text(lesson.Title)}</a></h2>
            {Paragraph("question", head?.Question)}{Paragraph("able", head?.Afterwards)}{Paragraph("facts", string.Join(" · ", said))}</div>
            </li>

            """;
    }

    private static string Paragraph(string kind, string? html) => string.IsNullOrEmpty(html) ? "" : $"<p class=\"{kind}\">{html}</p>\n";

    private static string Row(BookLesson lesson)
    {
        var (kind, result) = lesson.Failures == 0
            ? ("passed", lesson.Edition.Passed) : ("failed", lesson.Edition.Failures(lesson.Failures));
        return string.Create(CultureInfo.InvariantCulture, $"""
            <tr><td>{BookPage.Text(lesson.Title)}</td><td>{lesson.Ran}</td><td>{lesson.CodeCells}</td>
            <td class="{kind}">{result}</td><td>{lesson.Seconds:0.0}</td></tr>

            """);
    }
}
