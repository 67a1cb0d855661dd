using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;
using Microsoft.Playwright;

namespace ClipNotebooks.Notebooks.Tests.Browser;

/// <summary>
/// A lesson whose names, captions, outputs and exceptions try to leave their places, executed and opened in a browser: nothing of it runs,
/// and the page is whole.
/// </summary>
public sealed class HostileTests(Chromium chromium) : IClassFixture<Chromium>
{
    /// <summary>Leaves whatever it stands in, an attribute too, and notes on the window that it ran.</summary>
    private const string Evil = "--></script></style></pre></figure></section></main>'\\\"><img src=x " +
        "onerror=window.hacked=1><script>window.hacked=1</script><a href='javascript:window.hacked=1'>x</a>";

    private const string Lesson = """
        #!markdown
        # A title EVIL

        EVIL

        | a | EVIL |
        |---|---|
        | [x](javascript:window.hacked=1) | `EVIL` |
        #!csharp
        #r "LIBRARY"
        using ClipNotebooks.Core.Images;
        using ClipNotebooks.Workbook.Views;
        using static TorchSharp.torch;
        string evil = "EVIL", first = evil + " 1", second = evil + " 2";
        RasterImage[] pictures = [RasterImage.FromRgb(8, 8, new byte[192]), RasterImage.FromRgb(8, 8, new byte[192])];
        new SimilarityMatrix(eye(2), pictures, [first, second], evil)
        #!csharp
        display(new ProbabilityBars([(first, 0.7), (second, 0.3)], evil));
        display(new CurveView(evil, evil, evil, [(first, [0, 1, 2], [0, 1, 2]), (second, [0, 1, 2], [2, 1, 0])]));
        display(new EmbeddingMap(eye(2), eye(2), pictures, [first, second], evil));
        new ConfusionMatrix([[2, 1], [0, 3]], [first, second], evil, pictures)
        #!csharp
        display(new PictureGrid(pictures, [first, second], 2, evil));
        display(new SearchGallery(evil, [(pictures[0], first + ".png", 0.5), (pictures[1], second + ".png", 0.4)]));
        display(new TensorView(eye(2), evil));
        new ShapeTable([(evil, evil, eye(2))])
        #!csharp
        Console.WriteLine(evil + "\u001b[31mred\u001b[0m\u0000\u0007");
        evil
        #!csharp
        Console.WriteLine(new string('x', 10_000_000));
        #!csharp
        throw new InvalidOperationException(evil + "\u001b[31m\u0000");
        #!markdown
        The end of it.
        """;

    [Fact]
    public async Task Nothing_hostile_runs_and_the_page_is_whole_wide_in_the_light_theme_and_narrow_in_the_dark_one()
    {
        Chromium.Need();
        DirectoryInfo folder = Directory.CreateTempSubdirectory("clip-hostile-");
        try
        {
            // Windows keeps < and > out of file names.
            string path = Path.Combine(folder.FullName, OperatingSystem.IsWindows() ? "a & 'b' #1.dib" : "a & 'b' #1 <img src=x " +
                "onerror=window.hacked=1>.dib"), book = Path.Combine(folder.FullName, "book");
            string library = Path.Combine(Path.GetDirectoryName(Lessons.Folder)!, "lib", "Workbook", "bin", "Release", "net10.0",
                "ClipNotebooks.Workbook.dll");
            await File.WriteAllTextAsync(path, Lesson.Replace("LIBRARY", library.Replace('\\', '/'), StringComparison.Ordinal)
                .Replace("EVIL", Evil, StringComparison.Ordinal), TestContext.Current.CancellationToken);
            LessonResult[] results = await LessonRunner.RunAsync(
                [path], new RunOptions { KeepGoing = true }, null, null, TestContext.Current.CancellationToken);
            // The one exception that the lesson throws on purpose.
            Assert.Equal(7, Assert.Single(results[0].Failures).Cell);
            BookWriter.Write(results, book);
            await IsWholeAsync(results[0], book, 1280, ColorScheme.Light);
            await IsWholeAsync(results[0], book, 400, ColorScheme.Dark);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task IsWholeAsync(LessonResult lesson, string book, int width, ColorScheme theme)
    {
        await using Visit visit = await chromium.OpenAsync(new Uri(Path.Combine(book, "index.html")), width, theme);
        await visit.Page.Locator("main a").First.ClickAsync();
        IReadOnlyList<ILocator> plots = await visit.PlotsAsync();
        Assert.Equal(3, plots.Count);
        foreach (ILocator plot in plots)
        {
            await plot.ScrollIntoViewIfNeededAsync();
            await plot.HoverAsync();
        }
        await visit.Page.Locator("#search").PressSequentiallyAsync("onerror");
        await Assertions.Expect(visit.Page.Locator("#search-results a").First).ToBeVisibleAsync();

        Assert.Equal(lesson.Notebook!.Cells.Count, await visit.Page.Locator("main > section").CountAsync());
        Assert.Equal("The end of it.", (await visit.Page.Locator("main > section").Last.InnerTextAsync()).Trim());
        Assert.Equal(0, await visit.Page.EvaluateAsync<int>("() => document.querySelectorAll(" +
            "'main script:not(.clip-plot + script, [src=\"book.js\"]), img[onerror], a[href^=\"javascript\"]').length"));
        Assert.False(await visit.Page.EvaluateAsync<bool>("() => 'hacked' in window"));
        Assert.Empty(visit.Problems);
    }
}
