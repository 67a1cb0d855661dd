using System.Globalization;
using System.Text.Json;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Scenes;
using Microsoft.Playwright;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Notebooks.Tests.Browser;

/// <summary>
/// Each interactive answers the pointer and the keyboard, in both themes, at both widths, in both languages; nothing leaves its page,
/// nothing is said on the console. The other themes of the widths are tried with <c>CLIP_LONG_TESTS=1</c>.
/// </summary>
public sealed class InteractiveTests(InteractiveBook book, Chromium chromium) : IClassFixture<InteractiveBook>, IClassFixture<Chromium>
{
    /// <summary>Window widths and themes; at dusk in Korean.</summary>
    public static TheoryData<int, ColorScheme, string> Screens { get; } = Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1"
        ? new() { { 400, ColorScheme.Light, "" }, { 400, ColorScheme.Dark, ".ko" }, { 1280, ColorScheme.Light, ".ko" },
            { 1280, ColorScheme.Dark, "" } }
        : new() { { 400, ColorScheme.Dark, ".ko" }, { 1280, ColorScheme.Light, "" } };

    [Theory, MemberData(nameof(Screens))]
    public async Task The_loss_follows_a_cell_the_temperature_and_the_slip(int width, ColorScheme theme, string language)
    {
        await using Visit visit = await OpenAsync("loss", language, width, theme);
        ILocator loss = visit.Page.Locator(".clip-live output.big"), cell = visit.Page.Locator(".clip-live [role=slider]").First,
            temperature = visit.Page.Locator(".clip-live input[type=range]");
        Assert.Equal(0.1966, await NumberAsync(loss), 1e-4);                // as the library has it
        Assert.Equal("0.070", await temperature.Locator("xpath=following-sibling::output").InnerTextAsync());

        await cell.ScrollIntoViewIfNeededAsync();
        var box = (await cell.BoundingBoxAsync())!;
        await visit.Page.Mouse.MoveAsync(box.X + (box.Width / 2), box.Y + (box.Height / 2));
        await visit.Page.Mouse.DownAsync();
        await visit.Page.Mouse.MoveAsync(box.X + (box.Width / 2), box.Y + (box.Height / 2) + 40);
        await visit.Page.Mouse.UpAsync();
        Assert.Equal("0.02", (await cell.GetAttributeAsync("aria-valuenow"))![..4]);
        double dragged = await NumberAsync(loss);
        Assert.True(dragged > 0.4, $"the first pair lost 0.2 of cosine, but the loss is {dragged}");

        await cell.PressAsync("PageUp");
        await cell.PressAsync("PageUp");
        Assert.Equal(0.1966, await NumberAsync(loss), 0.003);
        await temperature.PressAsync("Home");
        double cold = await NumberAsync(loss);
        await temperature.PressAsync("End");
        double warm = await NumberAsync(loss);
        Assert.True(cold < 1e-3 && Math.Abs(warm - Math.Log(4)) < 0.02, $"cold {cold}, warm {warm}");

        await visit.Page.Locator(".clip-live button").First.ClickAsync();
        await visit.Page.Locator(".clip-live input[type=checkbox]").FocusAsync();
        await visit.Page.Keyboard.PressAsync("Space");
        Assert.Equal(Math.Log(4), await NumberAsync(loss), 0.01);           // logits 200 times too small: as if it knew nothing
        await IsWholeAsync(visit, language);
    }

    [Theory, MemberData(nameof(Screens))]
    public async Task The_matrix_follows_a_drawing_a_sample_a_file_and_a_caption(int width, ColorScheme theme, string language)
    {
        await using Visit visit = await OpenAsync("try", language, width, theme);
        ILocator cells = visit.Page.Locator(".clip-live td.cell"), captions = visit.Page.Locator(".clip-live input[type=text]"),
            canvas = visit.Page.Locator(".clip-live canvas[role=application]");
        IReadOnlyList<string> library = await cells.AllInnerTextsAsync();
        Assert.Equal(12, library.Count);
        Assert.DoesNotContain("ms", await visit.Page.Locator(".clip-live .status").InnerTextAsync(), StringComparison.Ordinal);

        // The first touch brings the model; it says what the library said.
        await ModelAsync(visit, captions.First);
        Assert.Equal(library.Select(Number), (await cells.AllInnerTextsAsync()).Select(Number), (a, b) => Math.Abs(a - b) < 0.11);

        // Another caption: another first column. It is typed as one types.
        await captions.First.FillAsync("");
        await captions.First.PressSequentiallyAsync("a red apple");
        Assert.NotEqual(library[0], await cells.First.InnerTextAsync());
        Assert.Equal("a red apple", await visit.Page.Locator(".clip-live-form th[scope=col]").First.InnerTextAsync());

        // A sample in the first picture's place, by keyboard, then a drawing over it, by pointer and by keys.
        string before = await cells.Nth(1).InnerTextAsync();
        await visit.Page.Locator(".clip-live button[title]").Nth(4).PressAsync("Enter");
        before = await ChangedAsync(visit, cells.Nth(1), before);
        await canvas.ScrollIntoViewIfNeededAsync();
        var box = (await canvas.BoundingBoxAsync())!;
        await visit.Page.Mouse.MoveAsync(box.X + 40, box.Y + 40);
        await visit.Page.Mouse.DownAsync();
        await visit.Page.Mouse.MoveAsync(box.X + 200, box.Y + 200, new() { Steps = 3 });
        await visit.Page.Mouse.UpAsync();
        before = await ChangedAsync(visit, cells.Nth(1), before);
        await canvas.FocusAsync();
        foreach (string key in new[] { "ArrowUp", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "ArrowUp", "Space" })
            await visit.Page.Keyboard.PressAsync(key);
        before = await ChangedAsync(visit, cells.Nth(1), before);

        await visit.Page.Locator(".clip-live input[type=file]")
            .SetInputFilesAsync(Path.Combine(Workbook.Lesson.Data, "images", "pizza.png"));
        before = await ChangedAsync(visit, cells.Nth(1), before);
        await visit.Page.Locator(".clip-live input[type=file]")
            .SetInputFilesAsync(new FilePayload { Name = "none.png", MimeType = "image/png", Buffer = [1, 2, 3] });
        await visit.Page.WaitForFunctionAsync("() => document.querySelector('.clip-live .status').textContent.includes('none.png')");
        Assert.Equal(before, await cells.Nth(1).InnerTextAsync());
        await IsWholeAsync(visit, language);
    }

    [Theory, MemberData(nameof(Screens))]
    public async Task A_sentence_shows_its_merges_its_ids_and_what_its_tokens_see(int width, ColorScheme theme, string language)
    {
        await using Visit visit = await OpenAsync("sentence", language, width, theme);
        ILocator ids = visit.Page.Locator(".clip-live .ids"), bars = visit.Page.Locator(".clip-live .panels tr:has(.bar)"),
            chips = visit.Page.Locator(".clip-live .merging .chip");
        IReadOnlyList<string> library = await bars.Locator(".number").AllInnerTextsAsync();
        await ModelAsync(visit, visit.Page.Locator(".clip-live input[type=text]"));
        Assert.Equal(library, await bars.Locator(".number").AllInnerTextsAsync());

        await visit.Page.Locator(".clip-live input[type=text]").FillAsync("a cat at night");
        Assert.Equal(["940", "320", .. await IdsAsync("cat at night"), "941"], await ids.AllInnerTextsAsync());
        int merged = await chips.CountAsync();
        await visit.Page.Locator(".clip-live button").First.ClickAsync();            // a merge back, by pointer
        Assert.Equal(merged + 1, await chips.CountAsync());
        await visit.Page.Locator(".clip-live input[type=range]").PressAsync("Home");     // to the bytes, by keyboard
        Assert.Equal("acatatnight".Length, await chips.CountAsync());

        // The token at the start sees itself alone.
        await visit.Page.Locator(".clip-live select").Nth(2).SelectOptionAsync("0");
        Assert.Equal(["1.00"], await bars.Locator(".number").AllInnerTextsAsync());
        await visit.Page.Locator(".clip-live input[type=text]").FillAsync(string.Join(' ', Enumerable.Repeat("a cat at night", 20)));
        Assert.Equal(32, await ids.CountAsync());
        await IsWholeAsync(visit, language);
    }

    private static Task<string[]> IdsAsync(string text)
    {
        using var clip = Workbook.Lesson.Open(CPU);
        return Task.FromResult(clip.Processor.Tokenizer.Encode(text).Select(id => id.ToString(CultureInfo.InvariantCulture)).ToArray());
    }

    [Theory, MemberData(nameof(Screens))]
    public async Task A_patch_that_is_pointed_at_shows_where_it_looks(int width, ColorScheme theme, string language)
    {
        await using Visit visit = await OpenAsync("attention", language, width, theme);
        ILocator canvas = visit.Page.Locator(".clip-live canvas[role=application]"),
            heads = visit.Page.Locator(".clip-live canvas[role=img]"), asking = visit.Page.Locator(".clip-live .asking");
        Assert.Equal(5, await heads.CountAsync());
        string library = (await heads.Nth(1).GetAttributeAsync("aria-label"))!;
        await ModelAsync(visit, canvas);
        Assert.Equal(library, await heads.Nth(1).GetAttributeAsync("aria-label"));   // the class token's, by the model in the page

        var box = (await canvas.BoundingBoxAsync())!;
        await visit.Page.Mouse.MoveAsync(box.X + (box.Width * 0.3f), box.Y + (box.Height * 0.2f));
        Assert.Contains(language.Length > 0 ? "2행 3열" : "row 2, column 3", await asking.InnerTextAsync(), StringComparison.Ordinal);
        Assert.NotEqual(library, await heads.Nth(1).GetAttributeAsync("aria-label"));
        await canvas.FocusAsync();
        await visit.Page.Keyboard.PressAsync("ArrowRight");
        Assert.Contains(language.Length > 0 ? "2행 4열" : "row 2, column 4", await asking.InnerTextAsync(), StringComparison.Ordinal);
        string patch = (await heads.Nth(0).GetAttributeAsync("aria-label"))!;
        await visit.Page.Locator(".clip-live select").Nth(1).SelectOptionAsync("0");
        Assert.NotEqual(patch, await heads.Nth(0).GetAttributeAsync("aria-label"));
        await IsWholeAsync(visit, language);
    }

    [Theory, MemberData(nameof(Screens))]
    public async Task A_block_goes_step_by_step_and_follows_its_input(int width, ColorScheme theme, string language)
    {
        await using Visit visit = await OpenAsync("block", language, width, theme);
        ILocator result = visit.Page.Locator(".clip-live .result td.cell"), steps = visit.Page.Locator(".clip-live input[type=range]");
        await steps.PressAsync("End");
        // The last lines of the text form are the library's.
        double[] library = [.. new Workbook.Views.BlockByHand().ToText().Split(Environment.NewLine)[^3..]
            .SelectMany(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(Number)];
        Assert.Equal(library, (await result.AllInnerTextsAsync()).Select(Number), (a, b) => Math.Abs(a - b) < 0.011);
        ILocator third = visit.Page.Locator(".clip-live [role=slider]").Nth(8);
        await third.PressAsync("PageUp");
        Assert.NotEqual(library[0], Number(await result.First.InnerTextAsync()));     // through the attention
        for (int i = 0; i < 7; i++)
            await visit.Page.Locator(".clip-live button").First.ClickAsync();
        string[] qkv = [.. await result.AllInnerTextsAsync()];
        await third.PressAsync("PageDown");
        string[] after = [.. await result.AllInnerTextsAsync()];
        Assert.Equal(qkv[..8], after[..8]);                                             // not before: a token's queries are its own
        Assert.NotEqual(qkv[8..12], after[8..12]);
        await IsWholeAsync(visit, language);
    }

    [Theory, MemberData(nameof(Screens))]
    public async Task A_recorded_training_is_moved_through(int width, ColorScheme theme, string language)
    {
        await using Visit visit = await OpenAsync("training", language, width, theme);
        ILocator scrubber = visit.Page.Locator(".clip-live input[type=range]"), form = visit.Page.Locator(".clip-live-form");
        Assert.Equal("8 / 8", await form.Locator(".found").InnerTextAsync());
        Assert.Equal("1.00", await form.Locator(".own-pairs").InnerTextAsync());
        await scrubber.PressAsync("Home");
        Assert.Equal(2, await NumberAsync(form.Locator("td.loss")), 1e-9);
        Assert.Equal(0.24, await NumberAsync(form.Locator(".own-pairs")), 0.005);
        await form.Locator("select").SelectOptionAsync("1");
        await form.Locator("button").ClickAsync();                                      // play, from where it stands to the end
        await visit.Page.WaitForFunctionAsync("() => document.querySelector('.clip-live td.images').textContent === '1.00'");
        Assert.Equal("1.00", await form.Locator("td.pairs").InnerTextAsync());
        Assert.Equal("40", await scrubber.GetAttributeAsync("aria-valuetext"));
        await IsWholeAsync(visit, language);
    }

    [Theory, MemberData(nameof(Screens))]
    public async Task A_classifier_follows_its_templates_and_names(int width, ColorScheme theme, string language)
    {
        await using Visit visit = await OpenAsync("classifier", language, width, theme);
        ILocator right = visit.Page.Locator(".clip-live output.big"), names = visit.Page.Locator(".clip-live textarea").Nth(1),
            status = visit.Page.Locator(".clip-live .status");
        string library = await right.InnerTextAsync();
        await ModelAsync(visit, names);
        Assert.Equal(library, await right.InnerTextAsync());
        await names.FillAsync("dog\ncat\nbird\nfish\nhorse");                          // two names in each other's place
        await Assertions.Expect(right).Not.ToHaveTextAsync(library);
        Assert.True(Number((await right.InnerTextAsync()).Replace(" %", "", StringComparison.Ordinal)) < Number(library.Replace(" %", "",
            StringComparison.Ordinal)) - 20);
        await names.FillAsync("cat\ndog");
        await Assertions.Expect(status).ToContainTextAsync("5");
        await visit.Page.Locator(".clip-live button").First.PressAsync("Enter");
        await Assertions.Expect(right).ToHaveTextAsync(library);
        await IsWholeAsync(visit, language);
    }

    [Theory, MemberData(nameof(Screens))]
    public async Task A_search_follows_what_is_typed_and_the_picture_that_is_chosen(int width, ColorScheme theme, string language)
    {
        await using Visit visit = await OpenAsync("search", language, width, theme);
        ILocator fields = visit.Page.Locator(".clip-live input[type=text]"), found = visit.Page.Locator(".clip-live .found button");
        string[] library = [.. await found.AllInnerTextsAsync()];
        await ModelAsync(visit, fields.First);
        Assert.Equal(library.Select(text => text.Split('\n')[^1]), (await found.AllInnerTextsAsync()).Select(text => text.Split('\n')[^1]));
        await fields.First.FillAsync("a horse");
        await Assertions.Expect(found.First).ToContainTextAsync("horse");
        string first = await found.First.InnerTextAsync();
        await fields.Nth(2).FillAsync("a horse");
        await visit.Page.Locator(".clip-live input[type=range]").PressAsync("End");
        await Assertions.Expect(found.First).Not.ToHaveTextAsync(first);               // taken away what was asked for
        await fields.Nth(2).FillAsync("");
        await Assertions.Expect(found.First).ToContainTextAsync("horse");
        await found.Nth(1).PressAsync("Enter");
        await Assertions.Expect(found.First).ToContainTextAsync("1.000");              // itself
        await visit.Page.Locator(".clip-live .row button").ClickAsync();
        await Assertions.Expect(found.First).Not.ToContainTextAsync("1.000");
        await IsWholeAsync(visit, language);
    }

    [Fact]
    public async Task Emoji_are_found_in_the_page_as_the_library_finds_them_in_two_languages()
    {
        await using Visit visit = await OpenAsync("emoji", "", 400, ColorScheme.Dark);
        ILocator fields = visit.Page.Locator(".clip-live input[type=text]"), found = visit.Page.Locator(".clip-live .found button");
        string[] library = [.. await found.AllInnerTextsAsync()];
        await ModelAsync(visit, fields.First);
        Assert.Equal(library.Select(text => text.Split('\n')[^1]), (await found.AllInnerTextsAsync()).Select(text => text.Split('\n')[^1]));
        await Assertions.Expect(found.First).ToContainTextAsync("elephant");
        string korean = await found.First.InnerTextAsync();
        await fields.First.FillAsync("elephant");
        await Assertions.Expect(found.First).Not.ToHaveTextAsync(korean);
        await Assertions.Expect(found.First).ToContainTextAsync("elephant");
        Assert.Empty(visit.Problems);
        Assert.Empty(await visit.Page.EvaluateAsync<string[]>(BookTests.Misplaced));
        Assert.Equal("", string.Join('\n', await visit.AxeAsync()));
    }

    [Theory, MemberData(nameof(Screens))]
    public async Task The_gap_is_turned_and_closed(int width, ColorScheme theme, string language)
    {
        await using Visit visit = await OpenAsync("gap", language, width, theme);
        ILocator map = visit.Page.Locator(".clip-live svg"), distance = visit.Page.Locator(".clip-live .distance"),
            move = visit.Page.Locator(".clip-live input[type=range]");
        Assert.Equal(8, await map.Locator("circle").CountAsync());
        double apart = await NumberAsync(distance);
        string at = (await map.Locator("circle").First.GetAttributeAsync("cx"))!;
        await map.ScrollIntoViewIfNeededAsync();
        var box = (await map.BoundingBoxAsync())!;
        await visit.Page.Mouse.MoveAsync(box.X + 60, box.Y + 60);
        await visit.Page.Mouse.DownAsync();
        await visit.Page.Mouse.MoveAsync(box.X + 120, box.Y + 80);
        await visit.Page.Mouse.UpAsync();
        string turned = (await map.Locator("circle").First.GetAttributeAsync("cx"))!;
        Assert.NotEqual(at, turned);
        await map.PressAsync("ArrowLeft");
        Assert.NotEqual(turned, await map.Locator("circle").First.GetAttributeAsync("cx"));
        for (int i = 0; i < 20; i++)
            await move.PressAsync("ArrowRight");
        Assert.True(await NumberAsync(distance) < apart / 2, $"{apart} apart before, {await NumberAsync(distance)} after");
        await IsWholeAsync(visit, language);
    }

    /// <summary>Touches a control, and waits until the model has answered.</summary>
    private static async Task ModelAsync(Visit visit, ILocator control)
    {
        await control.FocusAsync();
        await visit.Page.WaitForFunctionAsync("() => / ms/.test(document.querySelector('.clip-live .status').textContent)");
    }

    [Fact]
    public async Task The_model_in_the_page_agrees_with_the_library_on_a_hundred_pictures_and_captions()
    {
        await using Visit visit = await OpenAsync("try", "", 1280, ColorScheme.Light);
        await visit.Page.EvaluateAsync("async () => { window.clip = await ClipLive.model(\"scenes\"); }");
        using var scope = NewDisposeScope();
        using var clip = Workbook.Lesson.Open(CPU);
        var (worstImage, worstText) = (0.0, 0.0);
        for (int i = 0; i < 100; i++)
        {
            Scene scene = SyntheticScenes.Create(SceneWorld.HeldOut, i);
            RasterImage picture = Cut(scene.Draw(40 + (37 * i % 300)), i % 3 == 0 ? 0 : i % 9, i % 3 == 1 ? 0 : i % 11);
            // Also texts that are not the project's own: letters of other scripts, entities, quotes, contractions, none at all.
            string caption = i < 90 ? scene.Captions[i % scene.Captions.Count]
                : new[] { "", "It's the cat's 3rd &amp; 4th DAY", "“curly” ‘quotes’", "고양이 사진",
                    "naïve café 123", "a<b> &lt;3", "😀 smile",
                    "don't we'll I'VE", "  two   spaces ", "Ünïcödé—dash" }[i - 90];
            string json = await visit.Page.EvaluateAsync<string>("""
                ([pixels, width, height, caption]) => {
                  const data = ClipLive.bytes(pixels);
                  const [image, text] = [clip.encodeImage({ width, height, data }), clip.encodeText(caption)];
                  return JSON.stringify({ Ids: clip.tokenize(caption), Image: [...image], Text: [...text] });
                }
                """, new object[] { Convert.ToBase64String(picture.Samples), picture.Width, picture.Height, caption });
            Answer answer = JsonSerializer.Deserialize<Answer>(json)!;
            var tokens = clip.Processor.Tokenizer.Tokenize([caption]);
            Assert.True(tokens.Ids.Select(id => (int)id).SequenceEqual(answer.Ids),
                $"{caption}: {string.Join(' ', tokens.Ids)} by the library, {string.Join(' ', answer.Ids)} in the page");
            worstImage = Math.Max(worstImage, Difference(clip.EncodeImages([picture]), answer.Image));
            worstText = Math.Max(worstText, Difference(clip.EncodeTexts([caption]), answer.Text));
        }
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"largest difference of an image's embedding {worstImage:G2}, of a text's {worstText:G2}");
        // 16-bit weights are off by up to 2^-11 of themselves; an embedding's entries are near 0.09.
        Assert.True(worstImage < 1e-3 && worstText < 1e-3, $"images differ by up to {worstImage}, captions by up to {worstText}");
        Assert.Empty(visit.Problems);
    }

    private sealed record Answer(int[] Ids, float[] Image, float[] Text);

    private static double Difference(Tensor library, float[] page) => (library[0] - tensor(page)).abs().max().ToDouble();

    /// <summary>A picture without its last columns and rows, so that it is not square.</summary>
    private static RasterImage Cut(RasterImage image, int columns, int rows)
    {
        int width = image.Width - columns, height = image.Height - rows;
        byte[] rgb = [.. from y in Enumerable.Range(0, height)
                         from x in Enumerable.Range(0, width)
                         from c in Enumerable.Range(0, 3)
                         select image.Samples[(4 * ((y * image.Width) + x)) + c]];
        return RasterImage.FromRgb(width, height, rgb);
    }

    /// <summary>Waits until a cell says something else.</summary>
    private static async Task<string> ChangedAsync(Visit visit, ILocator cell, string before)
    {
        await Assertions.Expect(cell).Not.ToHaveTextAsync(before);
        await visit.Page.WaitForTimeoutAsync(150);
        return await cell.InnerTextAsync();
    }

    private async Task<Visit> OpenAsync(string page, string language, int width, ColorScheme theme)
    {
        Chromium.Need();
        Visit visit = await chromium.OpenAsync(book[page + language + ".html"], width, theme);
        await visit.Page.Locator(".clip-live-form").WaitForAsync();
        return visit;
    }

    private static async Task<double> NumberAsync(ILocator place) => Number(await place.InnerTextAsync());

    private static double Number(string text) => double.Parse(text.Replace('−', '-'), CultureInfo.InvariantCulture);

    /// <summary>
    /// After it was used: axe finds nothing, nothing is out of the window, nothing was said or asked for, and a Korean page has labels in
    /// Korean.
    /// </summary>
    private static async Task IsWholeAsync(Visit visit, string language)
    {
        Assert.Empty(visit.Problems);
        Assert.Empty(await visit.Page.EvaluateAsync<string[]>(BookTests.Misplaced));
        Assert.False(await visit.Page.Locator(".clip-live-still").IsVisibleAsync());
        Assert.Equal(language == ".ko",
            await visit.Page.EvaluateAsync<bool>("() => /[가-힣]/.test(document.querySelector('.clip-live-form').textContent)"));
        // Axe asks for the page's style sheet, which a file may not; so it comes last.
        Assert.Equal("", string.Join('\n', await visit.AxeAsync()));
    }
}
