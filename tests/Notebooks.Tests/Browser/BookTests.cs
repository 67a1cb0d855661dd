using ClipNotebooks.Cli.Notebooks.Pages;
using Microsoft.Playwright;
using SkiaSharp;

namespace ClipNotebooks.Notebooks.Tests.Browser;

/// <summary>The book of the lessons' run, opened in a browser.</summary>
public sealed class BookTests(Book book, Chromium chromium) : IClassFixture<Book>, IClassFixture<Chromium>
{
    /// <summary>Text on the sides of the window or under the contents, plots and their labels cut off: one line each.</summary>
    internal const string Misplaced = """
        () => {
          const found = [], width = document.documentElement.clientWidth;
          const name = e => `<${e.localName} class="${e.getAttribute('class') ?? ''}"> ${e.textContent.trim().slice(0, 60)}`;
          if (document.documentElement.scrollWidth > width)
            found.push(`the document is ${document.documentElement.scrollWidth} wide in a window of ${width}`);
          const scrolls = e => {
            for (let at = e.parentElement; at && at !== document.body; at = at.parentElement)
              if (/auto|scroll/.test(getComputedStyle(at).overflowX)) return true;
            return false;
          };
          const parts = 'main h1, main h2, main h3, main p, main li, main summary, main pre, main figure, main .output, main .scroll, '
            + 'main img, .side a, .side input';
          for (const e of document.querySelectorAll(parts)) {
            const box = e.getBoundingClientRect();
            if (box.width > 0 && !scrolls(e) && (box.left < -0.5 || box.right > width + 0.5)) found.push(`beyond the window: ${name(e)}`);
          }
          const side = document.querySelector('.side').getBoundingClientRect();
          const main = document.querySelector('main').getBoundingClientRect();
          if (side.right > main.left + 0.5 && side.bottom > main.top + 0.5) found.push('the contents lie over the text');
          for (const plot of document.querySelectorAll('.js-plotly-plot')) {
            const frame = plot.closest('.clip-plot'), svg = plot.querySelector('.main-svg').getBoundingClientRect();
            if (svg.width > frame.clientWidth + 1 && frame.scrollWidth < svg.width - 1) found.push(`a plot is cut off: ${name(frame)}`);
            if (plot.layout.meta && svg.width > frame.clientWidth + 1) found.push(`columns of a heat map are out of sight: ${name(frame)}`);
            for (const label of plot.querySelectorAll('.main-svg text')) {
              const box = label.getBoundingClientRect();
              // A pixel and a half: a box is a font's ascent and descent, which is more than the ink of its letters.
              const across = box.left < svg.left - 1.5 || box.right > svg.right + 1.5;
              const along = box.top < svg.top - 1.5 || box.bottom > svg.bottom + 1.5;
              if (box.width > 0 && (across || along))
                found.push(`a label is cut off: ${label.textContent} in ${name(frame)}`);
            }
          }
          return found;
        }
        """;

    /// <summary>Where in the window the middle one of the first trace's values is drawn.</summary>
    private const string MiddleValue = """
        plot => {
          const trace = plot._fullData[0], {xaxis: x, yaxis: y} = plot._fullLayout, box = plot.getBoundingClientRect();
          const heat = trace.type === 'heatmap', i = heat ? 0 : trace.x.length >> 1;
          const [left, up] = heat
            ? [x._length / 2 + x._length / trace.z[0].length / 4, y._length / 2 + y._length / trace.z.length / 4]
            : [x.c2p(trace.type === 'bar' ? trace.x[i] / 2 : trace.x[i]), y.c2p(trace.y[i])];
          return [box.left + x._offset + left, box.top + y._offset + up];
        }
        """;

    /// <summary>In ms after the page was asked for; a short page has been loaded before it is painted.</summary>
    private const string FirstPaint = """
        () => new Promise(painted => new PerformanceObserver(list =>
          list.getEntriesByName('first-contentful-paint').forEach(entry => painted(entry.startTime)))
            .observe({ type: 'paint', buffered: true }))
        """;

    /// <summary>
    /// Opening a page and drawing its plots takes seconds: it is opened once at each width and asked for everything. A Korean page has the
    /// scripts and colours of its English one: it is opened at the narrow width alone, where its words have the least room, if its lesson
    /// is run; everything is asked of each with <c>CLIP_LONG_TESTS=1</c>.
    /// </summary>
    [Theory, MemberData(nameof(Book.Pages), MemberType = typeof(Book))]
    public async Task A_page_answers_pointer_and_keyboard_and_is_whole_at_400_and_1280_pixels_in_both_themes_and_to_axe(string page)
    {
        Chromium.Need();
        List<string> found = [];
        bool isLong = Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1";
        Assert.SkipUnless(book.Shows(page), "This edition of the lesson is run with CLIP_LONG_TESTS=1, the English one always.");
        bool everything = isLong || !page.EndsWith(".ko.html", StringComparison.Ordinal);
        // A plot takes its size when it is drawn, so each width is opened anew; the theme changes under it, as it does at dusk.
        int[] widths = everything ? [1280, 400] : [400];
        foreach (int width in widths)
        {
            await using Visit visit = await chromium.OpenAsync(book[page], width);
            if (width == widths[0])
            {
                await FoldsAnswerAsync(visit, page);
                await LiveFormsSpeakAsync(visit, page);
                await visit.UnfoldAsync();
                if (everything) await PlotsAnswerAsync(visit);
            }
            await visit.UnfoldAsync();
            await visit.PlotsAsync();
            foreach (ColorScheme theme in new[] { ColorScheme.Light, ColorScheme.Dark })
            {
                await visit.Page.EmulateMediaAsync(new() { ColorScheme = theme });
                found.AddRange((await visit.Page.EvaluateAsync<string[]>(Misplaced)).Select(problem => $"{width} {theme}: {problem}"));
            }
            found.AddRange(visit.Problems);
            // Axe asks for the page's style sheet, which a file may not; so it comes last.
            ColorScheme[] axe = everything ? [ColorScheme.Dark, ColorScheme.Light] : [ColorScheme.Light];
            foreach (ColorScheme theme in width == widths[0] ? axe : [])
            {
                await visit.Page.EmulateMediaAsync(new() { ColorScheme = theme });
                found.AddRange(
                    (await visit.AxeAsync(coloursAlone: theme == ColorScheme.Dark)).Select(problem => $"axe, {theme}: {problem}"));
            }
        }
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    private static async Task FoldsAnswerAsync(Visit visit, string page)
    {
        IReadOnlyList<ILocator> folds = await visit.Page.Locator("main details").AllAsync();
        Assert.True(folds.Count > 0 || page == "index.html", "no solution is folded away");
        // The browser folds them all alike: three are tried as a reader tries them, of the others whether they are folded at first.
        foreach (ILocator fold in folds.Skip(3))
            await Assertions.Expect(fold.Locator(":scope > :not(summary)").First).ToBeHiddenAsync();
        foreach (ILocator fold in folds.Take(3))
        {
            ILocator summary = fold.Locator("summary"), inside = fold.Locator(":scope > :not(summary)").First;
            await Assertions.Expect(inside).ToBeHiddenAsync();
            await summary.ClickAsync();
            await Assertions.Expect(inside).ToBeVisibleAsync();
            await summary.PressAsync("Enter");
            await Assertions.Expect(inside).ToBeHiddenAsync();
            await summary.PressAsync("Space");
            await Assertions.Expect(inside).ToBeVisibleAsync();
        }
    }

    private static async Task LiveFormsSpeakAsync(Visit visit, string page)
    {
        foreach (ILocator live in await visit.Page.Locator(".clip-live").AllAsync())
        {
            Assert.Equal(page.EndsWith(".ko.html", StringComparison.Ordinal) ? "ko" : "en", await live.GetAttributeAsync("lang"));
            await Assertions.Expect(live.Locator(".clip-live-still")).ToBeHiddenAsync();
            Assert.NotEmpty((await live.Locator(".clip-live-form").InnerTextAsync()).Trim());
        }
    }

    private static async Task PlotsAnswerAsync(Visit visit)
    {
        foreach (ILocator plot in await visit.PlotsAsync())
        {
            await plot.ScrollIntoViewIfNeededAsync();
            Assert.True(Coloured(await plot.ScreenshotAsync()) > 20, "a plot has no ink");
            float[] at = await plot.EvaluateAsync<float[]>(MiddleValue);
            await visit.Page.Mouse.MoveAsync(at[0], at[1]);
            await plot.Locator(".hoverlayer text").First.WaitForAsync();
            await visit.Page.Mouse.MoveAsync(0, 0);
        }
    }

    /// <summary>Plots and two models, which the pages of both editions share, are half of it.</summary>
    [Fact]
    public void The_book_is_smaller_than_24_megabytes() =>
        Assert.InRange(new DirectoryInfo(book.Folder).GetFiles().Sum(file => file.Length), 1, 24_000_000);

    /// <summary>Not a test of every run: a busy machine paints late.</summary>
    [Theory, MemberData(nameof(Book.Pages), MemberType = typeof(Book))]
    public async Task The_first_paint_comes_within_300_ms(string page)
    {
        Chromium.Need();
        bool asked = Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1";
        Assert.SkipUnless(asked, "A measurement for a quiet machine: CLIP_LONG_TESTS=1.");
        List<double> paints = [];
        for (int i = 0; i < 5; i++)
        {
            await using Visit visit = await chromium.OpenAsync(book[page]);
            paints.Add(await visit.Page.EvaluateAsync<double>(FirstPaint));
        }
        TestContext.Current.TestOutputHelper!.WriteLine($"{page}: {string.Join(", ", paints.Select(paint => $"{paint:F0} ms"))}");
        Assert.InRange(paints.Order().ElementAt(paints.Count / 2), 1, 300);
    }

    [Theory]
    [InlineData("index.html", "softmax")]
    [InlineData("04-contrastive-loss.html", "temperature")]
    [InlineData("04-contrastive-loss.ko.html", "온도")]
    public async Task The_search_finds_a_word_and_leads_to_it(string page, string word)
    {
        Chromium.Need();
        await using Visit visit = await chromium.OpenAsync(book[page]);
        await FindAsync(visit, word);
        Assert.Empty(visit.Problems);
    }

    [Fact]
    public async Task The_served_book_finds_a_word_too_and_asks_nobody_else()
    {
        Chromium.Need();
        await using BookServer server = await BookServer.StartAsync(book.Folder, 0, TestContext.Current.CancellationToken);
        await using Visit visit = await chromium.OpenAsync(new Uri(server.Address, "index.html"));
        await FindAsync(visit, "softmax");
        // The stream by which a served page hears of changes ends when the page is left.
        Assert.All(visit.Problems, problem => Assert.StartsWith($"failed: {server.Address}-/", problem, StringComparison.Ordinal));
    }

    private static async Task FindAsync(Visit visit, string word)
    {
        await visit.Page.Locator("#search").PressSequentiallyAsync(word);
        ILocator first = visit.Page.Locator("#search-results a").First;
        await Assertions.Expect(first.Locator("mark").First).ToHaveTextAsync(word, new() { IgnoreCase = true });
        string target = await first.EvaluateAsync<string>("link => link.href");
        await first.ClickAsync();
        await visit.Page.WaitForURLAsync(target);
        string cell = Uri.UnescapeDataString(new Uri(target).Fragment[1..]);
        Assert.Contains(word, await visit.Page.EvaluateAsync<string>(
            "id => document.getElementById(id).closest('section').textContent", cell), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Pixels that are neither ground nor ink nor grid, which are nearly grey: what the values are drawn with.</summary>
    private static int Coloured(byte[] png)
    {
        using SKBitmap picture = SKBitmap.Decode(png);
        return picture.Pixels.Count(pixel => Math.Max(pixel.Red, Math.Max(pixel.Green, pixel.Blue)) - Math.Min(
            pixel.Red, Math.Min(pixel.Green, pixel.Blue)) > 40);
    }
}
