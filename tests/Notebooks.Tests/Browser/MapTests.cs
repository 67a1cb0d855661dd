using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;
using Microsoft.Playwright;

namespace ClipNotebooks.Notebooks.Tests.Browser;

/// <summary>The map of a book, its glossary, the way between the pages, and what the reader's browser keeps.</summary>
public sealed class MapTests(MapBook book, Chromium chromium) : IClassFixture<MapBook>, IClassFixture<Chromium>
{
    private static readonly string[] Titles =
        [.. Lessons.Paths.Where(path => Edition.Of(path).IsEnglish).Select(path => Path.GetFileNameWithoutExtension(path))];

    [Theory]
    [InlineData("index.html"), InlineData("index.ko.html"), InlineData("glossary.html"), InlineData("glossary.ko.html")]
    public async Task A_page_about_the_book_is_whole_in_both_themes_and_widths_and_leads_to_pages_that_are_there(string page)
    {
        Chromium.Need();
        await using Visit visit = await chromium.OpenAsync(book[page]);
        foreach (int width in new[] { 1280, 400 })
        {
            await visit.Page.SetViewportSizeAsync(width, 900);
            Assert.Empty(await visit.Page.EvaluateAsync<string[]>(BookTests.Misplaced));
        }
        string[] links = await visit.Page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('main a, .side a')].map(a => a.getAttribute('href'))");
        Assert.All(links, link => Assert.True(File.Exists(Path.Combine(book.Folder, link)), link));
        Assert.Contains(page.EndsWith(".ko.html", StringComparison.Ordinal) ? page.Replace(".ko", "", StringComparison.Ordinal)
            : page.Replace(".html", ".ko.html", StringComparison.Ordinal), links);
        Assert.Empty(visit.Problems);
        // Axe asks for the page's style sheet, which a file may not; so it comes last.
        foreach (ColorScheme theme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            await visit.Page.EmulateMediaAsync(new() { ColorScheme = theme });
            Assert.Equal("", string.Join('\n', (await visit.AxeAsync()).Select(found => $"{theme}: {found}")));
        }
    }

    [Theory, InlineData("en"), InlineData("ko")]
    public async Task The_index_is_a_map_of_the_lessons(string language)
    {
        Chromium.Need();
        await using Visit visit = await chromium.OpenAsync(book[language == "en" ? "index.html" : "index.ko.html"]);
        ILocator cards = visit.Page.Locator(".card");
        await Assertions.Expect(cards).ToHaveCountAsync(Titles.Length);
        await Assertions.Expect(cards.Locator("svg.picture use")).ToHaveCountAsync(Titles.Length);
        string[] drawn = await visit.Page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('.card')].filter(c => c.firstElementChild.getBBox().width > 20)"
            + ".map(c => c.dataset.lesson)");
        Assert.Equal(Titles, drawn);
        string folder = Edition.Named(language)!.Folder(Lessons.Folder);
        LessonHead?[] heads = [.. Titles.Select(title => LessonHead.Of(Notebook.Load(Path.Combine(folder, title + ".dib"))))];
        await Assertions.Expect(cards.Locator(".question")).ToHaveCountAsync(heads.Count(head => head?.Question.Length > 0));
        await Assertions.Expect(cards.Locator(".able")).ToHaveCountAsync(heads.Count(head => head?.Afterwards.Length > 0));
        // The drawing of the architecture and what words find come before the lessons, what was run after them.
        Assert.Equal(["figure", "figure", "ol", "section"], await visit.Page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('main > .front > figure, main > ol.cards, main > section.ran')].map(e => e.localName)"));
        Assert.Equal(5 * await visit.Page.Locator(".finds tr").CountAsync(), await visit.Page.EvaluateAsync<int>(
            "() => [...document.querySelectorAll('.finds img')].filter(i => i.naturalWidth > 20 && i.alt).length"));
        string? more = await visit.Page.Locator(".front figcaption a").GetAttributeAsync("href");
        Assert.StartsWith("08-image-search", more, StringComparison.Ordinal);
        await visit.Page.Locator("#search").PressSequentiallyAsync("softmax");
        await Assertions.Expect(visit.Page.Locator("#search-results a").First).ToBeVisibleAsync();
        Assert.Equal([language], (await visit.Page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('#search-results a')].map(a => a.lang)")).Distinct());
        Assert.Empty(visit.Problems);
    }

    [Fact]
    public async Task What_was_read_is_kept_for_both_editions_and_the_end_of_a_lesson_marks_it()
    {
        Chromium.Need();
        await using Visit visit = await chromium.OpenAsync(book["index.html"]);
        ILocator progress = visit.Page.Locator(".progress");
        await Assertions.Expect(progress).ToContainTextAsync($"0 of {Titles.Length} lessons read.");
        await visit.Page.Locator(".card").First.GetByRole(AriaRole.Checkbox).PressAsync("Space");
        await Assertions.Expect(progress).ToContainTextAsync($"1 of {Titles.Length} lessons read.");

        await visit.Page.GotoAsync(book[Titles[0] + ".ko.html"].AbsoluteUri);
        ILocator mark = visit.Page.Locator("main > .read-mark input");
        await Assertions.Expect(mark).ToBeCheckedAsync();
        await mark.UncheckAsync();

        // Who takes the mark away has the last word; another lesson is marked by coming to its end.
        await visit.Page.GotoAsync(book[Titles[1] + ".html"].AbsoluteUri);
        await Assertions.Expect(mark).Not.ToBeCheckedAsync();
        await visit.Page.EvaluateAsync("() => document.querySelector('.turn').scrollIntoView()");
        await Assertions.Expect(mark).ToBeCheckedAsync();
        await Assertions.Expect(visit.Page.Locator(".others li.read")).ToHaveCountAsync(1);

        await visit.Page.GotoAsync(book["index.ko.html"].AbsoluteUri);
        await Assertions.Expect(progress).ToContainTextAsync($"수업 {Titles.Length}개 가운데 1개를 읽었습니다.");
        await Assertions.Expect(visit.Page.Locator(".card.read")).ToHaveCountAsync(1);
        Assert.Equal(Titles[1], await visit.Page.Locator(".card.read").GetAttributeAsync("data-lesson"));
        Assert.Empty(visit.Problems);
    }

    [Theory]
    [InlineData("Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('closed', 'SecurityError'); } })", true)]
    [InlineData("localStorage.setItem('clip-lessons-read', 'not JSON')", false)]
    public async Task A_closed_or_a_spoiled_store_leaves_a_map_that_works(string before, bool closed)
    {
        Chromium.Need();
        await using Visit visit = await chromium.OpenAsync(book["index.html"]);
        await visit.Page.AddInitScriptAsync(before);
        await visit.Page.ReloadAsync();
        await visit.Page.Locator(".card").Nth(2).GetByRole(AriaRole.Checkbox).CheckAsync();
        ILocator progress = visit.Page.Locator(".progress");
        await Assertions.Expect(progress).ToContainTextAsync($"1 of {Titles.Length} lessons read.");
        Assert.Equal(closed, (await progress.InnerTextAsync()).Contains("keeps nothing", StringComparison.Ordinal));
        Assert.Empty(visit.Problems);
    }

    [Fact]
    public async Task A_lesson_s_side_leads_to_its_exercises_and_to_every_lesson_and_its_code_is_copied()
    {
        Chromium.Need();
        await using Visit visit = await chromium.OpenAsync(book["04-contrastive-loss.html"]);
        string[] exercises = await visit.Page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('.contents .level-3 a')]"
            + ".map(a => document.getElementById(decodeURIComponent(a.hash.slice(1))).textContent)");
        Assert.InRange(exercises.Length, 3, 20);
        Assert.All(exercises, exercise => Assert.StartsWith("Exercise", exercise, StringComparison.Ordinal));
        await Assertions.Expect(visit.Page.Locator(".others a")).ToHaveCountAsync(Titles.Length);
        ILocator here = visit.Page.Locator(".others a[aria-current=page]");
        await Assertions.Expect(here).ToHaveAttributeAsync("href", "04-contrastive-loss.html");

        ILocator copies = visit.Page.Locator("section.code > .copy"), search = visit.Page.Locator("#search");
        await Assertions.Expect(copies).ToHaveCountAsync(await visit.Page.Locator("section.code").CountAsync());
        await copies.Nth(1).ClickAsync();
        await PastedAsync(1);
        await copies.Nth(2).PressAsync("Enter");
        await PastedAsync(2);
        // Without the newer way to the clipboard, by the older one.
        await visit.Page.EvaluateAsync("() => Object.defineProperty(navigator, 'clipboard', { value: undefined })");
        await copies.Nth(3).ClickAsync();
        await PastedAsync(3);
        Assert.Empty(visit.Problems);

        async Task PastedAsync(int cell)
        {
            await Assertions.Expect(visit.Page.Locator("p.unseen[role=status]")).ToHaveTextAsync("Copied.");
            await search.FillAsync("");
            await search.PressAsync("ControlOrMeta+V");
            string code = await visit.Page.Locator("section.code > pre.source").Nth(cell).EvaluateAsync<string>("pre => pre.textContent");
            // A field of one line has spaces for the ends of lines; and the search takes every sign of a code as a sign.
            Assert.Equal(Words(code), Words(await search.InputValueAsync()));
            await search.FillAsync("");
        }

        static string[] Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    }
}
