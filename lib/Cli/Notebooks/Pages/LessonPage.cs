using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>
/// One executed lesson as a page: prose, highlighted code, outputs, and contents at the side. The lessons are those of its book, and at is
/// its index among them.
/// </summary>
internal sealed partial class LessonPage(LessonResult result, IReadOnlyList<BookLesson> lessons, int at)
{
    /// <summary>How many characters of the text of an output or a failure a page shows.</summary>
    internal const int TextLimit = 20_000;

    /// <summary>
    /// How many characters of an output's markup a page shows. Longer markup cannot be cut without breaking it, so the output's text is
    /// shown instead.
    /// </summary>
    internal const int HtmlLimit = 8_000_000;

    /// <summary>The number of the cell with the lesson's title and head, which a browser paints before it reads on.</summary>
    private const int First = 1;

    private readonly StringBuilder _contents = new();

    private Edition Edition => lessons[at].Edition;

    internal string ToHtml()
    {
        StringBuilder first = new(), rest = new();
        if (result.Notebook is null)
            first.Append(CultureInfo.InvariantCulture, $"<h1>{BookPage.Text(result.Name)}</h1>\n<p>{Edition.Unreadable}</p>\n");
        foreach (NotebookCell cell in result.Notebook?.Cells ?? [])
            Append(cell.Number <= First ? first : rest, cell, result.Cells.FirstOrDefault(code => code.Cell.Number == cell.Number));
        foreach (CellFailure failure in result.Failures.Where(failure => !result.Cells.Any(cell => cell.Failure == failure)))
            rest.Append(Failure(failure));
        return BookPage.Document(Edition, lessons[at].Title, $"{BookPage.Links(Edition)}{Twins()}", $"""
            <nav class="contents" aria-label="{Edition.Contents}">
            <ul>
            {_contents}</ul>
            <ol class="others" aria-label="{Edition.AllLessons}">
            {string.Concat(lessons.Where(lesson => lesson.Language == lessons[at].Language).Select(Other))}</ol>
            </nav>
            """, $"""
            <main id="main" tabindex="-1" data-lesson="{BookPage.Text(lessons[at].FileName)}">
            {first}
            """, $"""
            {rest}
            <nav class="turn" aria-label="{Edition.Book}">{Turn(at - 1, "prev", "← ", "")}{Turn(at + 1, "next", "", " →")}</nav>
            </main>
            """);
    }

    private string Other(BookLesson lesson) => $"<li data-lesson=\"{BookPage.Text(lesson.FileName)}\"><a href=\"{lesson.Address}\""
        + $"{(lesson == lessons[at] ? " aria-current=\"page\"" : "")}>{BookPage.Text(lesson.Title)}</a></li>\n";

    /// <summary>Links to the same lesson in other languages.</summary>
    private string Twins() => string.Concat(lessons
        .Where(lesson => lesson.FileName == lessons[at].FileName && lesson.Language != lessons[at].Language)
        .Select(lesson => BookPage.Twin(lesson.Address, lesson.Edition)));

    private string Turn(int to, string relation, string before, string after) => to < 0 || to >= lessons.Count
        || lessons[to].Language != lessons[at].Language ? "<span></span>"
        : $"""<a rel="{relation}" href="{lessons[to].Address}">{before}{BookPage.Text(lessons[to].Title)}{after}</a>""";

    private void Append(StringBuilder page, NotebookCell cell, CellResult? code)
    {
        page.Append(CultureInfo.InvariantCulture, $"""<section id="cell-{cell.Number}" class="{(cell.IsCode ? "code" : "prose")}">""")
            .Append('\n');
        if (!cell.IsCode)
        {
            Prose prose = Prose.Of(cell);
            foreach (ProseHeading heading in prose.Headings.Where(heading => heading.Level <= 2 || heading.IsExercise))
                _contents.Append(CultureInfo.InvariantCulture, $"<li class=\"level-{heading.Level}\"><a " +
                    $"href=\"#{BookPage.Text(heading.Id)}\">{BookPage.Text(heading.Text)}</a></li>\n");
            page.Append(prose.Html);
        }
        else
        {
            page.Append(CultureInfo.InvariantCulture,
                $"""<a class="anchor" href="#cell-{cell.Number}" aria-label="{Edition.Cell} {cell.Number}">{cell.Number}</a>""");
            page.Append("<pre class=\"source\" tabindex=\"0\"><code>").Append(CSharpHighlighter.ToHtml(cell.Source))
                .Append("</code></pre>\n");
            foreach (CellOutput output in code?.Outputs ?? [])
                page.Append(Output(output));
            if (code?.Failure is not null)
                page.Append(Failure(code.Failure));
            else if (code?.Seconds is null)
                page.Append(CultureInfo.InvariantCulture, $"<p class=\"note\">{Edition.NotRun}</p>\n");
        }
        page.Append("</section>\n");
    }

    private string Output(CellOutput output) => output.Html switch
    {
        { Length: > 0 and <= HtmlLimit } => $"<div class=\"output rich\">{SharedContent.Outside(output.Html)}</div>\n",
        { Length: > HtmlLimit } large => Preformatted("output", "", output.Text.TrimEnd()) + Note(Edition.MarkupLeftOut(large.Length)),
        _ => Preformatted("output", "", output.Text.TrimEnd()),
    };

    private string Failure(CellFailure failure) => Preformatted("output failure", " role=\"alert\"",
        (failure.Line > 0 ? $"{Edition.Line} {failure.Line}: " : "") + failure.Message);

    private string Preformatted(string kind, string attributes, string text)
    {
        string plain = Ansi().Replace(text, ""), shown = plain;
        if (plain.Length > TextLimit)
            shown = plain[..(char.IsHighSurrogate(plain[TextLimit - 1]) ? TextLimit - 1 : TextLimit)];
        return $"<pre class=\"{kind}\"{attributes} tabindex=\"0\">{BookPage.Text(shown)}</pre>\n" +
            (shown == plain ? "" : Note(Edition.Cut(plain.Length)));
    }

    private static string Note(string text) => $"<p class=\"note\">{text}</p>\n";

    [GeneratedRegex(@"\x1B(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1B]*(?:\x07|\x1B\\)|[@-Z\\-_])")]
    private static partial Regex Ansi();
}
