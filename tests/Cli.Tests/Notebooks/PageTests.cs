using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Tests.Notebooks;

public sealed partial class PageTests
{
    private static LessonResult Lesson(string text, CellOutput[]? outputs = null, CellFailure? failure = null, string path = "01-a.dib")
    {
        Notebook notebook = Notebook.Parse(path, text);
        CellResult[] cells = [.. notebook.CodeCells.Select(cell => new CellResult(cell, outputs ?? [], 1, failure))];
        return new(path, notebook, cells, failure is null ? [] : [failure], 1);
    }

    private static string Page(LessonResult result) => new LessonPage(result, [BookLesson.Of(result, "01-a", ".")], 0).ToHtml();

    [Fact]
    public void Text_and_exceptions_are_escaped_and_markup_is_not()
    {
        string page = Page(Lesson("#!csharp\nvar a = \"<i>\";", [new(1, "<b>&", null), new(2, "x", "<svg></svg>")],
            new(1, 2, "List<int> <script>")));
        Assert.Contains("&lt;b&gt;&amp;</pre>", page);
        Assert.Contains("<div class=\"output rich\"><svg></svg></div>", page);
        Assert.Contains("List&lt;int&gt; &lt;script&gt;", page);
        Assert.Contains("<span class=\"s\">&quot;&lt;i&gt;&quot;</span>", page);
        Assert.DoesNotContain("<script>", page);
    }

    private const string Hostile = "</pre></section></main></script><script>alert(1)</script><img src=x " +
        "onerror=alert(1)>\0\e[31m\e]0;title\a\b\u009b\" onload=\"alert(1)";

    [Fact]
    public void Hostile_text_in_outputs_failures_titles_and_names_is_text()
    {
        string harmless = Markup(Page(Lesson("#!markdown\n# Title\n#!csharp\n1", [new(1, "text", null)], new(2, 2, "message"),
            "name.dib")));
        string hostile = Page(Lesson($"#!markdown\n# Title {Hostile.Replace("\0", "", StringComparison.Ordinal)}\n#!csharp\n1",
            [new(1, Hostile, null)], new(2, 2, Hostile), Hostile.Replace("\0", "", StringComparison.Ordinal) + ".dib"));
        Assert.Equal(harmless, Markup(hostile));
        Assert.DoesNotMatch(@"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]", hostile);
        Assert.Contains("alert(1)&gt;␀", hostile);
    }

    [Fact]
    public void Prose_scripts_nothing_and_closes_nothing_that_it_did_not_open()
    {
        string page = Page(Lesson($"""
            #!markdown
            # A <b onclick=alert(1)>title</b> </nav><script>alert(1)</script>

            {Hostile.Replace("\0", "", StringComparison.Ordinal)}

            <script>alert(1)</script>

            <details ontoggle=alert(1)><summary onclick="alert(1)">Solution</summary></section>

            [a](javascript:alert(1)) [b](JaVa&#9;script:alert(1)) <javascript:alert(1)> ![c](data:text/html;base64,PHNjcmlwdD4=)
            [d](https://example.org) [e](03-text-encoder.dib#a:b)

            $\text{"{"}</script><script>alert(1)</script>{"}"}$ and $\matrix<script>$

            ```csharp"onload="alert(1)
            </code></pre><script>alert(1)</script>
            ```
            """));
        Assert.Empty(Tags(page).Select(tag => Name().Match(tag).Value).Except(["!doctype", "html", "head", "meta", "title", "link",
            "script", "noscript", "style", "body", "a", "div", "header", "form", "input", "p", "nav", "ul", "ol", "li", "main", "section",
            "h1", "span", "pre", "code", "img", "summary", "math", "mrow", "mtext"], StringComparer.OrdinalIgnoreCase));
        Assert.Equal(["book.js"], Tags(page).Where(tag => tag.StartsWith("<script", StringComparison.Ordinal))
            .Select(tag => tag.Split('"')[1]));
        Assert.DoesNotContain(Tags(page), tag => Regex.IsMatch(
            Quoted().Replace(tag, "\"\""), @"\son\w+\s*=|javascript", RegexOptions.IgnoreCase));
        Assert.DoesNotContain("href=\"javascript", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("data:text", page);
        Assert.Contains("<a href=\"https://example.org\">d</a> <a href=\"03-text-encoder.dib#a:b\">e</a>", page);
        Assert.Equal(1, page.Split("</section>").Length - 1);
        Assert.Equal(1, page.Split("</main>").Length - 1);
    }

    /// <summary>The tags of a page, as HTML reads them, without what their attributes hold.</summary>
    private static string Markup(string page) => string.Concat(Tags(page).Select(tag => Quoted().Replace(tag, "\"\"")));

    private static IEnumerable<string> Tags(string page) => Tag().Matches(page).Select(tag => tag.Value);

    [GeneratedRegex("<[!/a-zA-Z](\"[^\"]*\"|'[^']*'|[^>\"'])*>")]
    private static partial Regex Tag();

    [GeneratedRegex("(?<=^</?)!?[a-zA-Z0-9]+")]
    private static partial Regex Name();

    [GeneratedRegex("\"[^\"]*\"|'[^']*'")]
    private static partial Regex Quoted();

    [Fact]
    public void A_failure_of_ten_million_characters_is_cut_with_a_note()
    {
        string page = Page(Lesson("#!csharp\n1", [new(1, "", null)], new(1, 2, string.Concat(Enumerable.Repeat("\e[31m🐈", 2_000_000)))));
        Assert.Contains("Cut here: the output has 4000008 characters.", page);
        Assert.True(page.Length < 150_000, $"{page.Length}"); // a pair of surrogates is written as up to ten characters
        Assert.DoesNotContain('\uFFFD', page);
    }

    [Fact]
    public void Colour_codes_of_a_terminal_are_removed() =>
        Assert.Contains(">red</pre>", Page(Lesson("#!csharp\n1", [new(1, "\e[31mred\e[0m", null)])));

    [Fact]
    public void A_huge_output_is_cut_with_a_note()
    {
        string page = Page(Lesson("#!csharp\n1", [new(1, new string('x', 50_000), null)]));
        Assert.Contains("Cut here: the output has 50000 characters.", page);
        Assert.True(page.Length < 30_000);
    }

    [Fact]
    public void A_page_needs_no_network() =>
        Assert.DoesNotContain("http", Page(Lesson("#!markdown\n# T\n#!csharp\n1")).Replace("http-equiv", "", StringComparison.Ordinal));

    [Fact]
    public void Prose_has_tables_folded_solutions_formulas_and_anchors()
    {
        string page = Page(Lesson("#!markdown\n# Title\n\n| a | b |\n|---|---|\n| 1 | 2 " +
            "|\n\n$\\tau$\n\n<details><summary>Solution</summary>\n\n```csharp\nvar x = 1;\n```\n\n</details>"));
        Assert.Contains("<div class=\"scroll\" tabindex=\"0\"><table>", page);
        Assert.Contains("<mi>τ</mi>", page);
        Assert.Contains("<details><summary>Solution</summary>", page);
        Assert.Contains("<span class=\"k\">var</span> x", page);
        Assert.Contains("<a href=\"#cell-1-title\">Title</a>", page);
        Assert.Contains("<h1 id=\"cell-1-title\">", page);
    }

    [Theory]
    [InlineData("수 $E$개짜리", "수 <math")]                            // a Korean particle follows without a space
    [InlineData("$4E$바이트, $-1$일 때", "일 때")]
    [InlineData("from $a$ to $b$.", "</math>.")]
    [InlineData("$\\frac{1}{N}$ of it", "</math> of it")]
    public void A_formula_within_a_line_is_drawn_whatever_letter_follows(string prose, string expected)
    {
        string page = Page(Lesson("#!markdown\n" + prose));
        Assert.Contains(expected, page);
        Assert.DoesNotContain("$", Regex.Replace(page[page.IndexOf("<main", StringComparison.Ordinal)..], "<math.*?</math>", "",
            RegexOptions.Singleline));
    }

    [Theory]
    [InlineData("5 $ and 6 $ more")]
    [InlineData("$5 and $6")]
    [InlineData("`$x$`")]
    [InlineData("US$x$")]
    public void Dollars_that_are_no_formula_stay(string prose) => Assert.DoesNotContain("<math", Page(Lesson("#!markdown\n" + prose)));

    [Theory]
    [InlineData(@"\frac{1}{N}", "<mfrac><mrow><mrow><mn>1</mn></mrow></mrow><mrow><mrow><mi>N</mi></mrow></mrow></mfrac>")]
    [InlineData("x_i^2", "<msubsup><mi>x</mi><mrow><mi>i</mi></mrow><mrow><mn>2</mn></mrow></msubsup>")]
    // one bar as tall as the other
    [InlineData(@"\lVert W\rVert^2", "<mo stretchy=\"false\">‖</mo><mi>W</mi><msup><mo stretchy=\"false\">‖</mo>")]
    [InlineData(@"\left\lVert W\right\rVert", "<mo>‖</mo><mi>W</mi><mo>‖</mo>")]
    [InlineData(@"\Phi(x)", "<mi mathvariant=\"normal\">Φ</mi>")]
    [InlineData(@"\text{a b}", "<mtext>a\u00A0b</mtext>")]
    public void Tex_becomes_mathml(string tex, string expected) => Assert.Contains(expected, Mathematics.ToHtml(tex, display: false));

    [Theory]
    [InlineData(@"\begin{matrix}1\end{matrix}")]
    [InlineData("{x")]
    [InlineData("x_1_2")]
    public void Tex_beyond_the_subset_stays_whole(string tex) =>
        Assert.Equal($"<code class=\"math\">{tex}</code>", Mathematics.ToHtml(tex, display: false));

    [Theory]
    [InlineData("#r \"a.dll\"\nvar s = $\"{1 + 1:0.0} <\"; // note\n/* a */ x")]
    [InlineData("var s = \"\"\"\n  raw\n  \"\"\";")]
    [InlineData("int F( => broken \"")]
    public void Highlighting_keeps_every_character(string source) =>
        Assert.Equal(source, System.Net.WebUtility.HtmlDecode(Regex.Replace(CSharpHighlighter.ToHtml(source), "</?span[^>]*>", "")));

    [Fact]
    public void A_book_takes_the_place_of_the_earlier_one_as_a_whole()
    {
        using TemporaryFolder folder = new();
        string book = Path.Combine(folder.Path, "book");
        LessonResult lesson = Lesson("#!csharp\n1");
        BookWriter.Write([lesson, lesson], book);
        string[] shared = ["book.css", "book.js", "glossary.html", "index.html", "lessons.en.js"];
        Assert.Equal(["01-a-2.html", "01-a.html", .. shared], Files());
        BookWriter.Write([lesson], book);
        Assert.Equal(["01-a.html", .. shared], Files());
        Assert.Equal([book], Directory.GetDirectories(folder.Path));

        IEnumerable<string?> Files() => Directory.GetFiles(book).Select(Path.GetFileName).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void A_book_with_a_plot_has_plotly_once_beside_its_pages()
    {
        using TemporaryFolder folder = new();
        string book = Path.Combine(folder.Path, "book");
        LessonResult plotted = Lesson("#!csharp\n1", [new(1, "text", "<figure class=\"clip-plot\" data-plot=\"{}\"></figure>")]);
        BookWriter.Write([plotted, plotted, Lesson("#!csharp\n1")], book);
        Assert.Contains("plotly.js v2.28", File.ReadAllText(Path.Combine(book, "plotly.min.js"))[..200]);
        Assert.Contains(" data-plots=\"plotly.min.js\">", File.ReadAllText(Path.Combine(book, "01-a-2.html")));
        Assert.DoesNotContain("plotly", File.ReadAllText(Path.Combine(book, "01-a-3.html")));
    }

    [Fact]
    public void A_page_names_its_language_and_leads_to_the_same_lesson_in_the_other()
    {
        using TemporaryFolder folder = new();
        string book = Path.Combine(folder.Path, "book");
        LessonResult[] lessons = [Lesson("#!markdown\n# One"), Lesson("#!markdown\n# Two", path: "02-b.dib"),
            Lesson("#!markdown\n# 하나", path: "ko/01-a.dib")];
        BookWriter.Write(lessons, book);
        string english = File.ReadAllText(Path.Combine(book, "01-a.html")), korean = File.ReadAllText(Path.Combine(book, "01-a.ko.html")),
            second = File.ReadAllText(Path.Combine(book, "02-b.html"));
        Assert.Contains("<html lang=\"en\">", english);
        Assert.Contains("<html lang=\"ko\">", korean);
        Assert.Contains("<a href=\"01-a.ko.html\" lang=\"ko\" hreflang=\"ko\">한국어</a>", english);
        Assert.Contains("<a href=\"01-a.html\" lang=\"en\" hreflang=\"en\">English</a>", korean);
        Assert.DoesNotContain("rel=\"next\"", second);
        string map = File.ReadAllText(Path.Combine(book, "index.html")), other = File.ReadAllText(Path.Combine(book, "index.ko.html"));
        Assert.Matches("(?s)<html lang=\"en\">.*>One<.*>Two<", map);
        Assert.Matches("(?s)<html lang=\"ko\">.*>하나<", other);
        Assert.DoesNotContain("하나", map);
        Assert.Contains("<a href=\"index.html\" lang=\"en\" hreflang=\"en\">English</a>", other);
        Assert.Contains("<a href=\"index.ko.html\">", korean);
    }

    [Fact]
    public void A_book_in_one_language_alone_is_opened_by_its_index()
    {
        using TemporaryFolder folder = new();
        string book = Path.Combine(folder.Path, "book");
        BookWriter.Write([Lesson("#!markdown\n# 하나", path: "ko/01-a.dib")], book);
        Assert.Contains("<html lang=\"ko\">", File.ReadAllText(Path.Combine(book, "index.html")));
        Assert.DoesNotContain("hreflang", File.ReadAllText(Path.Combine(book, "index.html")));
    }

    [Fact]
    public void The_words_of_the_lessons_lie_beside_the_pages_a_script_a_language_and_solutions_are_not_among_them()
    {
        using TemporaryFolder folder = new();
        string book = Path.Combine(folder.Path, "book");
        const string english = "#!markdown\n# One `</script>`\n\n$\\tau$ & " +
            "*warm*\n\n<details><summary>Solution</summary>\n\nsecret\n\n</details>\n#!csharp\nvar s = \"</script>\";";
        BookWriter.Write([Lesson(english), Lesson("#!markdown\n# 하나", path: "ko/01-a.dib")], book);
        string words = File.ReadAllText(Path.Combine(book, "lessons.en.js")), page = File.ReadAllText(Path.Combine(book, "01-a.ko.html"));
        Assert.DoesNotContain("<", words);
        Assert.DoesNotContain("secret", words);
        Assert.Contains("\"title\":\"하나\"", File.ReadAllText(Path.Combine(book, "lessons.ko.js")));
        Assert.Contains("data-lessons=\"lessons.ko.js\"", page);
        Assert.Contains("data-lessons=\"lessons.en.js\"", File.ReadAllText(Path.Combine(book, "index.html")));
        Assert.Contains("<input id=\"search\"", page);
        SearchEntry[] entries = [.. BookLesson.Read(book)![0].Entries];
        Assert.Equal([new(1, false, "One </script>", "One </script> \\tau & warm Solution"),
            new(2, true, "One </script>", "var s = \"</script>\";")], entries);
    }

    [Fact]
    public void One_lesson_takes_its_earlier_page_and_a_new_one_its_place()
    {
        using TemporaryFolder folder = new();
        string book = Path.Combine(folder.Path, "book");
        BookWriter.Write([Lesson("#!markdown\n# One"), Lesson("#!markdown\n# Three", path: "03-c.dib"),
            Lesson("#!markdown\n# 하나", path: "ko/01-a.dib")], book);
        string untouched = File.ReadAllText(Path.Combine(book, "03-c.html"));
        File.WriteAllText(Path.Combine(book, "plotly.min.js"), "of an earlier version");
        CellOutput plot = new(1, "new output", "<figure class=\"clip-plot\"></figure>");
        LessonResult broken = Lesson("#!markdown\n# Won\n#!csharp\n1", [plot], new(2, 1, "broken"));
        BookWriter.Update([broken, Lesson("#!markdown\n# Two", path: "02-b.dib")], book);
        Assert.Equal(["Won", "Two", "Three", "하나"], BookLesson.Read(book)!.Select(lesson => lesson.Title));
        Assert.Contains("broken", File.ReadAllText(Path.Combine(book, "01-a.html")));
        Assert.Contains("<a rel=\"next\" href=\"03-c.html\">Three →</a>", File.ReadAllText(Path.Combine(book, "02-b.html")));
        Assert.Matches("(?s)>Won<.*>Two<.*>Three<.*1 failure", File.ReadAllText(Path.Combine(book, "index.html")));
        Assert.Equal(untouched, File.ReadAllText(Path.Combine(book, "03-c.html")));
        Assert.Contains("plotly.js v", File.ReadAllText(Path.Combine(book, "plotly.min.js")), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(book, "*.part"));
    }

    [Fact]
    public void A_link_to_a_folder_stays_one()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege on Windows.");
        using TemporaryFolder folder = new();
        string real = Directory.CreateDirectory(Path.Combine(folder.Path, "real")).FullName, link = Path.Combine(folder.Path, "link");
        Directory.CreateSymbolicLink(link, real);
        foreach (string title in new[] { "One", "Two" })
        {
            BookWriter.Check(link);
            BookWriter.Write([Lesson($"#!markdown\n# {title}")], link);
            Assert.Equal(real, Directory.ResolveLinkTarget(link, returnFinalTarget: true)?.FullName);
            Assert.Contains(title, File.ReadAllText(Path.Combine(real, "index.html")), StringComparison.Ordinal);
        }
        Assert.Equal([link, real], Directory.GetFileSystemEntries(folder.Path).Order(StringComparer.Ordinal));
    }

    /// <summary>As a container's volume is, which cannot be renamed.</summary>
    [Fact]
    public void A_folder_that_cannot_be_renamed_is_replaced_file_by_file()
    {
        using TemporaryFolder folder = new();
        string book = folder.Write("book/index.html", "old"), left = folder.Write("book/02-b.html", "of a lesson that is gone"),
            beside = Path.GetDirectoryName(folder.Write("new/index.html", "new"))!;
        folder.Write("new/01-a.html", "a");
        BookWriter.ReplaceFiles(beside, Path.GetDirectoryName(book)!);
        Assert.Equal(("new", "a", false), (File.ReadAllText(book),
            File.ReadAllText(Path.Combine(Path.GetDirectoryName(book)!, "01-a.html")), File.Exists(left)));
    }

    [Fact]
    public void A_folder_with_other_files_is_not_replaced()
    {
        using TemporaryFolder folder = new();
        folder.Write("precious.txt", "x");
        Assert.Contains("--output", Assert.Throws<UserError>(() => BookWriter.Write([Lesson("#!csharp\n1")], folder.Path)).Message);
        Assert.True(File.Exists(Path.Combine(folder.Path, "precious.txt")));
    }
}
