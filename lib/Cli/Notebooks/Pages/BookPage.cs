using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>What every page of a book has: the head, the search, and a link that skips to the content.</summary>
internal static partial class BookPage
{
    internal const string Style = "book.css", Script = "book.js", PlotLibrary = "plotly.min.js";

    internal static bool HasPlot(string html) => html.Contains("class=\"clip-plot\"", StringComparison.Ordinal);

    internal static string Text(string text) => WebUtility.HtmlEncode(text);

    /// <summary>The pages that a book has in each language, whatever its lessons.</summary>
    internal const string Index = "index", Glossary = "glossary";

    /// <summary>Links to the index and the glossary.</summary>
    internal static string Links(Edition edition) => $"<a href=\"{edition.PageOf(Index)}.html\">{edition.AllLessons}</a> · "
        + $"<a href=\"{edition.PageOf(Glossary)}.html\">{edition.Terms}</a>";

    /// <summary>A link to the same page in another language, after others.</summary>
    internal static string Twin(string address, Edition other) =>
        $" · <a href=\"{address}\" lang=\"{other.Language}\" hreflang=\"{other.Language}\">{other.Name}</a>";

    /// <param name="edition">The language of the page.</param>
    /// <param name="title">Plain text.</param>
    /// <param name="links">Markup beside the search.</param>
    /// <param name="contents">Markup of the page's contents; empty for none.</param>
    /// <param name="main">Markup of the element main, or of its beginning.</param>
    /// <param name="rest">
    /// Markup of the rest of main. The page's script comes before it: while a browser waits for the script, it paints what it has read so
    /// far.
    /// </param>
    internal static string Document(
        Edition edition, string title, string links, string contents, string main, string rest = "") => Visible($"""
        <!DOCTYPE html>
        <html lang="{edition.Language}">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>{Text(title)}</title>
        <link rel="icon" href="data:,">
        <link rel="stylesheet" href="{Style}">
        {InteractiveModel.HeadOf(main + rest)}
        <noscript><style>.search {"{ display: none; }"}</style></noscript>
        </head>
        <body{Words(edition)}{(HasPlot(main + rest) ? $" data-plots=\"{PlotLibrary}\"" : "")}>
        <a class="skip" href="#main">{edition.Skip}</a>
        <div class="side">
        <header>
        {Search(edition)}
        {(links.Length > 0 ? $"<p>{links}</p>\n" : "")}</header>
        {contents}
        </div>
        {main}
        <script src="{Script}"></script>
        {rest}
        </body>
        </html>

        """);

    /// <summary>The texts that book.js shows, in the page's language.</summary>
    private static string Words(Edition edition)
    {
        (string Name, string Said)[] words =
        [
            ("copy", edition.Copy), ("copied", edition.Copied), ("not-copied", edition.NotCopied), ("read", edition.Read),
            ("read-this", edition.ReadThis), ("progress", edition.Progress), ("not-kept", edition.NotKept),
        ];
        return string.Concat(words.Select(word => $" data-{word.Name}=\"{Text(word.Said)}\""));
    }

    /// <summary>
    /// A combobox whose options are links. When it is first used, book.js loads the text of the lessons in the page's language.
    /// </summary>
    private static string Search(Edition edition) => $"""
        <form class="search" role="search" data-lessons="{BookLesson.FileOf(edition.Language)}" data-none="{Text(edition.NothingFound)}"
         data-some="{Text(edition.Found)}" data-failed="{Text(edition.SearchFailed)}">
        <input id="search" type="search" role="combobox" aria-label="{Text(edition.Search)}" aria-expanded="false"
         aria-controls="search-results" aria-autocomplete="list" aria-keyshortcuts="/"
         placeholder="{Text(edition.Search)}  /" autocomplete="off" spellcheck="false">
        <div id="search-results" role="listbox" aria-label="{Text(edition.Result)}" hidden></div>
        <p id="search-status" role="status"></p>
        </form>
        """;

    /// <summary>
    /// Replaces control characters that a cell printed by visible signs: a parser would drop them, or not take the file for text.
    /// </summary>
    private static string Visible(string page) =>
        Control().Replace(page, found => found.ValueSpan[0] is >= '\x7F' and var c ? c == '\x7F' ? "␡" : "\uFFFD"
        : ((char)('\u2400' + found.ValueSpan[0])).ToString(CultureInfo.InvariantCulture));

    [GeneratedRegex(@"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]")]
    private static partial Regex Control();
}
