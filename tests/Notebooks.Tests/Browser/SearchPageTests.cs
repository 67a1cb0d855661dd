using ClipNotebooks.Cli.Service;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Search;
using ClipNotebooks.Workbook;
using Microsoft.Playwright;

namespace ClipNotebooks.Notebooks.Tests.Browser;

/// <summary>The service's search page, over the sample pictures: wide and open to all, narrow and behind a key.</summary>
public sealed class SearchPageTests(Chromium chromium) : IClassFixture<Chromium>
{
    private const string Key = "a-key-of-32-letters-for-the-test";

    private static readonly string Images = Path.Combine(Lesson.Data, "images");

    /// <summary>Hands the page a picture as a drop or a paste of the reader's does.</summary>
    private const string Hand = """
        async ({ kind, name, bytes }) => {
          const data = new DataTransfer();
          data.items.add(new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], name, { type: 'image/png' }));
          document.body.dispatchEvent(kind === 'drop' ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
            : new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
        }
        """;

    [Theory]
    [InlineData(1280, null)]
    [InlineData(400, Key)]
    public async Task Pictures_are_found_by_words_by_hand_and_by_keyboard(int width, string? key)
    {
        Chromium.Need();
        var folder = Directory.CreateTempSubdirectory("clip-search-");
        try
        {
            using var encoder = ClipEncoder.FromPretrained(Lesson.Model);
            using var index = ImageSearchIndex.Create(Path.Combine(folder.FullName, "index"), encoder, new()
            {
                MetadataOf = path => new Dictionary<string, string> { ["begins with"] = Path.GetFileName(path)[..1] },
            });
            await index.AddFolderAsync(Images);
            await using var server = await ApiServer.StartAsync(encoder, index, new() { Port = 0, Key = key }, CancellationToken.None);
            await using Visit visit = await chromium.OpenAsync(server.Address, width);
            await SearchAsync(visit, width, key, index.Count);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task SearchAsync(Visit visit, int width, string? key, int count)
    {
        IPage page = visit.Page;
        ILocator text = page.Locator("#text"), cards = page.Locator("#gallery > li"), status = page.Locator("#status"),
            terms = page.Locator("#terms > li"), names = cards.Locator(".name");
        if (key is not null)
        {
            await page.Locator("#key-text").FillAsync(key);
            await page.Locator("#key-text").PressAsync("Enter");
        }
        // Without a query all pictures are there, as the reader scrolls.
        await Assertions.Expect(status).ToContainTextAsync("40 and more pictures.");
        Assert.Empty(await MisplacedAsync());
        await page.EvaluateAsync("() => document.querySelector('#end').scrollIntoView()");
        await Assertions.Expect(cards).ToHaveCountAsync(count);
        await cards.First.ScrollIntoViewIfNeededAsync();
        await page.WaitForFunctionAsync("() => document.querySelector('#gallery img').naturalWidth === 256");
        foreach (ColorScheme theme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            await page.EmulateMediaAsync(new() { ColorScheme = theme });
            Assert.Equal("", string.Join('\n', await visit.AxeAsync(coloursAlone: theme == ColorScheme.Dark)));
        }

        // By words, and from the keyboard alone.
        await page.Locator("h1").ClickAsync();
        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("a pizza");
        await Assertions.Expect(names.First).ToHaveTextAsync("pizza.png");
        await Assertions.Expect(status).ToContainTextAsync("the most similar first");
        await text.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("ArrowRight");
        await Assertions.Expect(cards.Nth(1).Locator(".picture")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("ArrowLeft");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator("#view-name")).ToHaveTextAsync("pizza.png");
        await page.WaitForFunctionAsync("() => document.querySelector('#view-picture').naturalWidth > 0");
        await Assertions.Expect(page.Locator("#view-about")).ToContainTextAsync("begins with");
        Assert.Empty(await MisplacedAsync());
        Assert.Equal("", string.Join('\n', await visit.AxeAsync()));
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(page.Locator("#view")).ToBeHiddenAsync();
        await Assertions.Expect(cards.First.Locator(".picture")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("+");
        await Assertions.Expect(terms).ToHaveTextAsync(["like pizza.png✕"]);
        await cards.Nth(1).Locator(".unlike").ClickAsync();
        await Assertions.Expect(terms).ToHaveCountAsync(2);
        await Assertions.Expect(terms.Nth(1)).ToHaveClassAsync("minus");
        await Assertions.Expect(names.First).ToHaveTextAsync("pizza.png");
        Assert.Empty(await MisplacedAsync());
        await page.Locator("h1").ClickAsync();
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(terms).ToHaveCountAsync(0);
        await text.PressAsync("Escape");
        await Assertions.Expect(text).ToHaveValueAsync("");

        // By a picture, dropped, pasted or chosen.
        foreach (var (kind, name) in new[] { ("drop", "cat.png"), ("paste", "dog.png"), ("choose", "castle.png") })
        {
            string file = Path.Combine(Images, name);
            if (kind == "choose") await page.Locator("#file").SetInputFilesAsync(file);
            else await page.EvaluateAsync(Hand, new { kind, name, bytes = Convert.ToBase64String(await File.ReadAllBytesAsync(file)) });
            await Assertions.Expect(names.First).ToHaveTextAsync(name);
            await Assertions.Expect(terms).ToHaveTextAsync([$"like {name}✕"]);
            await terms.GetByRole(AriaRole.Button).ClickAsync();
            await Assertions.Expect(terms).ToHaveCountAsync(0);
        }

        // What the metadata have in common narrows what is shown.
        if (width < 896) await page.Locator("#filters > summary").ClickAsync();
        ILocator letter = page.GetByRole(AriaRole.Checkbox, new() { Name = "c", Exact = false }).First;
        await letter.CheckAsync();
        await Assertions.Expect(status).Not.ToContainTextAsync("more");
        int starting = Directory.GetFiles(Images, "c*.png").Length;
        await Assertions.Expect(names).ToHaveCountAsync(starting);
        Assert.All(await names.AllInnerTextsAsync(), name => Assert.StartsWith("c", name, StringComparison.Ordinal));
        await letter.UncheckAsync();
        await Assertions.Expect(status).ToContainTextAsync("40 and more");
        // A search that a newer one takes the place of is given up; without the key the first ones were refused.
        Assert.Equal([], visit.Problems.Where(problem => !problem.EndsWith("/v1/search", StringComparison.Ordinal)
            && (key is null || !problem.Contains("401", StringComparison.Ordinal))));

        // Nothing, a failure, and a service that is gone are said.
        await AnsweredAsync(200, """{"results": [], "more": false}""");
        await Assertions.Expect(status).ToContainTextAsync("Nothing was found");
        await AnsweredAsync(503, """{"title": "The model is busy", "detail": "Try again in a <b>second</b>.", "status": 503}""");
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The model is busy Try again in a <b>second</b>.");
        Assert.Empty(await MisplacedAsync());
        await AnsweredAsync(0, "");
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("does not answer");
        await page.UnrouteAllAsync();
        await page.Locator("#again").ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToBeHiddenAsync();
        await Assertions.Expect(cards).Not.ToHaveCountAsync(0);

        Task<string[]> MisplacedAsync() => page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('header *, aside *, main *, dialog[open] *')].filter(e => {
              const box = e.getBoundingClientRect();
              return box.width > 0 && (box.left < -0.5 || box.right > document.documentElement.clientWidth + 0.5);
            }).map(e => `${e.localName} ${e.id} ${e.className}`)
            """);

        async Task AnsweredAsync(int code, string body)
        {
            await page.UnrouteAllAsync();
            await page.RouteAsync("**/v1/search", route => code == 0 ? route.AbortAsync()
                : route.FulfillAsync(new() { Status = code, ContentType = "application/json", Body = body }));
            await text.FillAsync($"anything {code}");
        }
    }
}
