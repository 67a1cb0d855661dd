using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Markdig;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>One executed lesson as a page: prose, highlighted code, outputs, contents at the side.</summary>
internal sealed partial class LessonPage(IReadOnlyList<LessonResult> results, string[] names, int at)
{
    /// <summary>Characters of one output's text that a page shows.</summary>
    internal const int TextLimit = 20_000;

    /// <summary>Characters of one output's markup that a page shows; more cannot be cut without breaking it, so its text takes its place.</summary>
    internal const int HtmlLimit = 8_000_000;

    private static readonly MarkdownPipeline Markdown = new MarkdownPipelineBuilder()
        .UsePipeTables().UseMathematics().UseAutoIdentifiers().UseEmphasisExtras().UseFootnotes().UseTaskLists().Build();

    private readonly StringBuilder _contents = new();

    internal string ToHtml()
    {
        LessonResult result = results[at];
        Edition edition = result.Edition;
        StringBuilder cells = new();
        if (result.Notebook is null)
            cells.Append(CultureInfo.InvariantCulture, $"<h1>{Text(result.Name)}</h1>\n<p>{edition.Unreadable}</p>\n");
        foreach (NotebookCell cell in result.Notebook?.Cells ?? [])
            Append(cells, cell, result.Cells.FirstOrDefault(code => code.Cell.Number == cell.Number));
        foreach (CellFailure failure in result.Failures.Where(failure => !result.Cells.Any(cell => cell.Failure == failure)))
            cells.Append(Failure(failure));
        return BookWriter.Document(edition, result.Notebook?.Title ?? result.Name, $"""
            <nav class="contents" aria-label="{edition.Contents}">
            <p><a href="index.html">{edition.AllLessons}</a>{Twins()}</p>
            <ul>
            {_contents}</ul>
            </nav>
            <main>
            {cells}
            <nav class="turn" aria-label="{edition.Book}">{Turn(at - 1, "prev", "← ", "")}{Turn(at + 1, "next", "", " →")}</nav>
            </main>
            """);
    }

    /// <summary>Links to the same lesson in other languages.</summary>
    private string Twins() => string.Concat(results.Zip(names).Where(pair => pair.First.FileName == results[at].FileName && pair.First.Edition != results[at].Edition)
        .Select(pair => $""" · <a href="{Uri.EscapeDataString(pair.Second)}.html" lang="{pair.First.Edition.Language}" hreflang="{pair.First.Edition.Language}">{pair.First.Edition.Name}</a>"""));

    private string Turn(int to, string relation, string before, string after) => to < 0 || to >= results.Count || results[to].Edition != results[at].Edition ? "<span></span>"
        : $"""<a rel="{relation}" href="{Uri.EscapeDataString(names[to])}.html">{before}{Text(results[to].Notebook?.Title ?? results[to].Name)}{after}</a>""";

    private void Append(StringBuilder page, NotebookCell cell, CellResult? code)
    {
        page.Append(CultureInfo.InvariantCulture, $"""<section id="cell-{cell.Number}" class="{(code is null ? "prose" : "code")}">""").Append('\n');
        if (code is null)
            page.Append(Prose(cell));
        else
        {
            page.Append(CultureInfo.InvariantCulture, $"""<a class="anchor" href="#cell-{cell.Number}" aria-label="Cell {cell.Number}">{cell.Number}</a>""");
            page.Append("<pre class=\"source\" tabindex=\"0\"><code>").Append(CSharpHighlighter.ToHtml(cell.Source)).Append("</code></pre>\n");
            foreach (CellOutput output in code.Outputs)
                page.Append(Output(output));
            if (code.Failure is not null)
                page.Append(Failure(code.Failure));
            else if (code.Seconds is null)
                page.Append(CultureInfo.InvariantCulture, $"<p class=\"note\">{results[at].Edition.NotRun}</p>\n");
        }
        page.Append("</section>\n");
    }

    private string Prose(NotebookCell cell)
    {
        string html = Markdig.Markdown.ToHtml(cell.Source, Markdown);
        html = Heading().Replace(html, found =>
        {
            string id = $"cell-{cell.Number}-{found.Groups["id"].Value}";
            if (found.Groups["level"].Value is "1" or "2")
                _contents.Append(CultureInfo.InvariantCulture,
                    $"<li class=\"level-{found.Groups["level"].Value}\"><a href=\"#{id}\">{Tag().Replace(found.Groups["text"].Value, "")}</a></li>\n");
            return $"""<h{found.Groups["level"].Value} id="{id}">{found.Groups["text"].Value}</h{found.Groups["level"].Value}>""";
        });
        html = html.Replace("<table", "<div class=\"scroll\"><table", StringComparison.Ordinal).Replace("</table>", "</table></div>", StringComparison.Ordinal);
        html = CodeBlock().Replace(html, found => $"<pre class=\"source\" tabindex=\"0\"><code>{CSharpHighlighter.ToHtml(WebUtility.HtmlDecode(found.Groups[1].Value))}</code></pre>");
        html = LoneFormula().Replace(html, "<div class=\"math\">$1</div>");
        return Formula().Replace(html, found => Mathematics.ToHtml(WebUtility.HtmlDecode(found.Groups["tex"].Value).Trim(), display: found.Groups["element"].Value == "div"));
    }

    private static string Output(CellOutput output)
    {
        if (output.Html is { Length: > 0 and <= HtmlLimit })
            return $"<div class=\"output rich\">{output.Html}</div>\n";
        string text = output.Text.TrimEnd();
        string note = output.Html is { Length: > HtmlLimit } large ? $"The markup of this output has {large.Length} characters and is left out." : "";
        if (text.Length > TextLimit)
        {
            note = $"Cut here: the output has {text.Length} characters.";
            text = text[..TextLimit];
        }
        return $"<pre class=\"output\" tabindex=\"0\">{Text(Ansi().Replace(text, ""))}</pre>\n" + (note.Length > 0 ? $"<p class=\"note\">{note}</p>\n" : "");
    }

    private static string Failure(CellFailure failure) =>
        $"<pre class=\"output failure\" role=\"alert\" tabindex=\"0\">{(failure.Line > 0 ? $"line {failure.Line}: " : "")}{Text(Ansi().Replace(failure.Message, ""))}</pre>\n";

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    [GeneratedRegex("""<h(?<level>[1-6]) id="(?<id>[^"]*)">(?<text>.*?)</h\k<level>>""", RegexOptions.Singleline)]
    private static partial Regex Heading();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex("""<pre><code class="language-(?:csharp|cs|c#)">(.*?)</code></pre>""", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("""<(?<element>span|div) class="math">\s*\\[(\[](?<tex>.*?)\\[)\]]\s*</\k<element>>""", RegexOptions.Singleline)]
    private static partial Regex Formula();

    /// <summary>A paragraph that is one formula, as $$…$$ on a line of its own gives.</summary>
    [GeneratedRegex("""<p><span class="math">([^<]*)</span></p>""")]
    private static partial Regex LoneFormula();

    [GeneratedRegex(@"\x1B(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1B]*(?:\x07|\x1B\\)|[@-Z\\-_])")]
    private static partial Regex Ansi();
}
