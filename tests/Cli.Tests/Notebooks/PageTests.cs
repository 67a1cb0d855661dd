using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;

namespace ClipNotebooks.Cli.Tests.Notebooks;

public sealed class PageTests
{
    private static LessonResult Lesson(string text, CellOutput[]? outputs = null, CellFailure? failure = null, string path = "01-a.dib")
    {
        Notebook notebook = Notebook.Parse(path, text);
        CellResult[] cells = [.. notebook.CodeCells.Select(cell => new CellResult(cell, outputs ?? [], 1, failure))];
        return new(path, notebook, cells, failure is null ? [] : [failure], 1);
    }

    private static string Page(LessonResult result) => new LessonPage([result], ["01-a"], 0).ToHtml();

    [Fact]
    public void Text_and_exceptions_are_escaped_and_markup_is_not()
    {
        string page = Page(Lesson("#!csharp\nvar a = \"<i>\";", [new(1, "<b>&", null), new(2, "x", "<svg></svg>")], new(1, 2, "List<int> <script>")));
        Assert.Contains("&lt;b&gt;&amp;</pre>", page);
        Assert.Contains("<div class=\"output rich\"><svg></svg></div>", page);
        Assert.Contains("List&lt;int&gt; &lt;script&gt;", page);
        Assert.Contains("<span class=\"s\">&quot;&lt;i&gt;&quot;</span>", page);
        Assert.DoesNotContain("<script>", page);
    }

    [Fact]
    public void Colour_codes_of_a_terminal_are_removed() => Assert.Contains(">red</pre>", Page(Lesson("#!csharp\n1", [new(1, "\e[31mred\e[0m", null)])));

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
        string page = Page(Lesson("#!markdown\n# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n$\\tau$\n\n<details><summary>Solution</summary>\n\n```csharp\nvar x = 1;\n```\n\n</details>"));
        Assert.Contains("<div class=\"scroll\"><table>", page);
        Assert.Contains("<mi>τ</mi>", page);
        Assert.Contains("<details><summary>Solution</summary>", page);
        Assert.Contains("<span class=\"k\">var</span> x", page);
        Assert.Contains("<a href=\"#cell-1-title\">Title</a>", page);
        Assert.Contains("<h1 id=\"cell-1-title\">", page);
    }

    [Theory]
    [InlineData(@"\frac{1}{N}", "<mfrac><mrow><mrow><mn>1</mn></mrow></mrow><mrow><mrow><mi>N</mi></mrow></mrow></mfrac>")]
    [InlineData("x_i^2", "<msubsup><mi>x</mi><mrow><mi>i</mi></mrow><mrow><mn>2</mn></mrow></msubsup>")]
    [InlineData(@"\text{a b}", "<mtext>a\u00A0b</mtext>")]
    public void Tex_becomes_mathml(string tex, string expected) => Assert.Contains(expected, Mathematics.ToHtml(tex, display: false));

    [Theory]
    [InlineData(@"\begin{matrix}1\end{matrix}")]
    [InlineData("{x")]
    [InlineData("x_1_2")]
    public void Tex_beyond_the_subset_stays_whole(string tex) => Assert.Equal($"<code class=\"math\">{tex}</code>", Mathematics.ToHtml(tex, display: false));

    [Theory]
    [InlineData("#r \"a.dll\"\nvar s = $\"{1 + 1:0.0} <\"; // note\n/* a */ x")]
    [InlineData("var s = \"\"\"\n  raw\n  \"\"\";")]
    [InlineData("int F( => broken \"")]
    public void Highlighting_keeps_every_character(string source) =>
        Assert.Equal(source, System.Net.WebUtility.HtmlDecode(System.Text.RegularExpressions.Regex.Replace(CSharpHighlighter.ToHtml(source), "</?span[^>]*>", "")));

    [Fact]
    public void A_book_takes_the_place_of_the_earlier_one_as_a_whole()
    {
        using TemporaryFolder folder = new();
        string book = Path.Combine(folder.Path, "book");
        LessonResult lesson = Lesson("#!csharp\n1");
        BookWriter.Write([lesson, lesson], book);
        Assert.Equal(["01-a-2.html", "01-a.html", "book.css", "index.html"], Directory.GetFiles(book).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        BookWriter.Write([lesson], book);
        Assert.Equal(["01-a.html", "book.css", "index.html"], Directory.GetFiles(book).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal([book], Directory.GetDirectories(folder.Path));
    }

    [Fact]
    public void A_book_with_a_plot_has_plotly_once_beside_its_pages()
    {
        using TemporaryFolder folder = new();
        string book = Path.Combine(folder.Path, "book");
        LessonResult plotted = Lesson("#!csharp\n1", [new(1, "text", "<figure class=\"clip-plot\" data-plot=\"{}\"></figure>")]);
        BookWriter.Write([plotted, plotted, Lesson("#!csharp\n1")], book);
        Assert.Contains("plotly.js v2.28", File.ReadAllText(Path.Combine(book, "plotly.min.js"))[..200]);
        Assert.Contains("<script src=\"plotly.min.js\" defer></script>", File.ReadAllText(Path.Combine(book, "01-a-2.html")));
        Assert.DoesNotContain("<script", File.ReadAllText(Path.Combine(book, "01-a-3.html")));
    }

    [Fact]
    public void A_page_names_its_language_and_leads_to_the_same_lesson_in_the_other()
    {
        using TemporaryFolder folder = new();
        string book = Path.Combine(folder.Path, "book");
        LessonResult[] lessons = [Lesson("#!markdown\n# One"), Lesson("#!markdown\n# Two", path: "02-b.dib"), Lesson("#!markdown\n# 하나", path: "ko/01-a.dib")];
        BookWriter.Write(lessons, book);
        string english = File.ReadAllText(Path.Combine(book, "01-a.html")), korean = File.ReadAllText(Path.Combine(book, "01-a.ko.html")), second = File.ReadAllText(Path.Combine(book, "02-b.html"));
        Assert.Contains("<html lang=\"en\">", english);
        Assert.Contains("<html lang=\"ko\">", korean);
        Assert.Contains("<a href=\"01-a.ko.html\" lang=\"ko\" hreflang=\"ko\">한국어</a>", english);
        Assert.Contains("<a href=\"01-a.html\" lang=\"en\" hreflang=\"en\">English</a>", korean);
        Assert.DoesNotContain("rel=\"next\"", second);
        Assert.Matches("(?s)lang=\"en\".*>One<.*>Two<.*lang=\"ko\".*>하나<", File.ReadAllText(Path.Combine(book, "index.html")));
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
