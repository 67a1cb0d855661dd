using System.Net;
using System.Text.RegularExpressions;
using Markdig;
using Markdig.Helpers;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>A heading of a prose cell: Level 1 to 6, Id unique on the page, Text plain.</summary>
internal sealed partial record ProseHeading(int Level, string Id, string Text)
{
    internal bool IsExercise => Exercise().IsMatch(Text);

    [GeneratedRegex(@"^(?:Exercise|연습) \d")]
    private static partial Regex Exercise();
}

/// <summary>
/// A Markdown cell as a page shows it. Of raw HTML only folded sections and a few tags are kept, without attributes other than open, and
/// links may lead only to pages. Everything else is shown as text, so that a cell can neither run scripts on its page nor break it.
/// </summary>
internal sealed partial record Prose(string Html, IReadOnlyList<ProseHeading> Headings, string PlainText)
{
    /// <summary>The extension for mathematics adds no formula parser of its own if there is one already.</summary>
    private static readonly MarkdownPipeline Markdown = new MarkdownPipelineBuilder { InlineParsers = { new FormulaParser() } }
        .UsePipeTables().UseMathematics().UseAutoIdentifiers().UseEmphasisExtras().UseFootnotes().UseTaskLists().Build();

    internal static Prose Of(NotebookCell cell)
    {
        MarkdownDocument document = Markdig.Markdown.Parse(cell.Source, Markdown);
        Disarm(document);
        string html = document.ToHtml(Markdown), plain = Plain(html);
        List<ProseHeading> headings = [];
        html = Heading().Replace(html, found =>
        {
            string level = found.Groups["level"].Value, id = $"cell-{cell.Number}-{found.Groups["id"].Value}",
                text = found.Groups["text"].Value;
            headings.Add(new(level[0] - '0', WebUtility.HtmlDecode(id), Plain(text)));
            return $"""<h{level} id="{id}">{text}</h{level}>""";
        });
        html = html.Replace("<table", "<div class=\"scroll\" tabindex=\"0\"><table", StringComparison.Ordinal)
            .Replace("</table>", "</table></div>", StringComparison.Ordinal);
        html = CodeBlock().Replace(html, found => $"<pre class=\"source\" " +
            $"tabindex=\"0\"><code>{CSharpHighlighter.ToHtml(WebUtility.HtmlDecode(found.Groups[1].Value))}</code></pre>")
            .Replace("<pre><code", "<pre tabindex=\"0\"><code", StringComparison.Ordinal);
        html = LoneFormula().Replace(html, "<div class=\"math\">$1</div>");
        html = Formula().Replace(html, found => Mathematics.ToHtml(
            WebUtility.HtmlDecode(found.Groups["tex"].Value).Trim(), display: found.Groups["element"].Value == "div"));
        return new(html, headings, plain);
    }

    private static void Disarm(MarkdownDocument document)
    {
        foreach (MarkdownObject part in document.Descendants().ToArray())
        {
            if (part is HtmlBlock block) block.Lines = new StringLineGroup(Disarmed(block.Lines.ToString()));
            else if (part is HtmlInline mark) mark.Tag = Disarmed(mark.Tag);
            else if (part is LinkInline link && !LeadsToAPage(link.Url)) link.Url = "";
            else if (part is AutolinkInline address && !LeadsToAPage(address.Url)) address.Url = "";
        }
    }

    private static string Disarmed(string html) => EncodedTag().Replace(WebUtility.HtmlEncode(Comment().Replace(html, "")), "<$1>");

    /// <summary>
    /// Whether a link leads to a page. Browsers ignore control characters and spaces before the scheme, so they are left out here too.
    /// </summary>
    private static bool LeadsToAPage(string? url) =>
        Scheme().Match(string.Concat((url ?? "").Where(c => c > ' '))) is not { Success: true } scheme
        || scheme.Groups[1].Value.ToLowerInvariant() is "http" or "https" or "mailto";

    /// <summary>The text of markup without that of folded sections, so that a search does not give solutions away.</summary>
    private static string Plain(string html) =>
        Space().Replace(WebUtility.HtmlDecode(Tag().Replace(Formula().Replace(Folded().Replace(html, "$1"), "${tex}"), "")), " ").Trim();

    [GeneratedRegex("<!--.*?-->", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex("&lt;(/?(?:details|summary|br|kbd|sub|sup)|details open)\\s*/?&gt;", RegexOptions.IgnoreCase)]
    private static partial Regex EncodedTag();

    [GeneratedRegex("^([^/?#:]*):")]
    private static partial Regex Scheme();

    [GeneratedRegex("""<h(?<level>[1-6]) id="(?<id>[^"]*)">(?<text>.*?)</h\k<level>>""", RegexOptions.Singleline)]
    private static partial Regex Heading();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex("<details[^>]*>(?:\\s*(<summary>.*?</summary>))?.*?</details>", RegexOptions.Singleline | RegexOptions.IgnoreCase)]
    private static partial Regex Folded();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex("""<pre><code class="language-(?:csharp|cs|c#)">(.*?)</code></pre>""", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("""<(?<element>span|div) class="math">\s*\\[(\[](?<tex>.*?)\\[)\]]\s*</\k<element>>""", RegexOptions.Singleline)]
    private static partial Regex Formula();

    /// <summary>A paragraph that is one formula, as $$…$$ on a line of its own gives.</summary>
    [GeneratedRegex("""<p><span class="math">([^<]*)</span></p>""")]
    private static partial Regex LoneFormula();
}
