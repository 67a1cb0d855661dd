using System.Text.Json;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>The lessons' symbols and terms in both languages, from glossary.json; tests check the Korean texts against it.</summary>
internal sealed record Glossary(IReadOnlyList<Glossary.Sign> Symbols, IReadOnlyList<Glossary.Term> Terms)
{
    internal sealed record Sign(string Symbol, string English, string Korean);

    /// <summary>Not: patterns of other words for the term, which no Korean text may have.</summary>
    internal sealed record Term(string English, string Korean, IReadOnlyList<string> Not, string Means, string MeansInKorean);

    internal static Glossary Read() =>
        JsonSerializer.Deserialize<Glossary>(Resource.Text("glossary.json"), JsonSerializerOptions.Web)!;

    /// <summary>The page in one language; it links to those in others.</summary>
    internal static string Page(Edition edition, IEnumerable<Edition> editions)
    {
        Glossary glossary = Read();
        string twins = string.Concat(editions.Where(other => other != edition).Select(other =>
            BookPage.Twin($"{other.PageOf(BookPage.Glossary)}.html", other)));
        string links = $"<a href=\"{edition.PageOf(BookPage.Index)}.html\">{edition.AllLessons}</a>{twins}";
        var signs = glossary.Symbols.Select(sign => Row(sign.Symbol, BookPage.Text(edition.IsEnglish ? sign.English : sign.Korean)));
        var terms = edition.IsEnglish
            ? glossary.Terms.OrderBy(term => term.English, StringComparer.Ordinal)
                .Select(term => Row(term.English, $"<span lang=\"ko\">{BookPage.Text(term.Korean)}</span>", BookPage.Text(term.Means)))
            : glossary.Terms.OrderBy(term => term.Korean, StringComparer.Ordinal)
                .Select(term => Row(
                    term.Korean, $"<span lang=\"en\">{BookPage.Text(term.English)}</span>", BookPage.Text(term.MeansInKorean)));
        return BookPage.Document(edition, edition.Terms, links, "", $"""
            <main id="main" class="index" tabindex="-1">
            <h1>{edition.Terms}</h1>
            <h2>{edition.Symbols}</h2>
            <p>{edition.SymbolsAbout}</p>
            <div class="scroll" tabindex="0"><table>
            {string.Concat(signs)}</table></div>
            <h2>{edition.Words}</h2>
            <p>{edition.WordsAbout}</p>
            <div class="scroll" tabindex="0"><table>
            {string.Concat(terms)}</table></div>
            </main>
            """);
    }

    private static string Row(string name, params IEnumerable<string> cells) =>
        $"<tr><th scope=\"row\">{BookPage.Text(name)}</th>{string.Concat(cells.Select(cell => $"<td>{cell}</td>"))}</tr>\n";
}
