using System.Text.Json;
using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Export;
using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Notebooks.Tests.Export;

/// <summary>Lessons as Jupyter notebooks, with the outputs of the shared run and without.</summary>
public sealed partial class JupyterTests(LessonRun run) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ipynb-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory(SkipTestWithoutData = true), MemberData(nameof(Lessons.Names), MemberType = typeof(Lessons))]
    public void The_notebook_of_the_lesson_follows_nbformat(string name)
    {
        Notebook lesson = Notebook.Load(Path.Combine(Lessons.Folder, name));
        foreach (LessonResult? result in new[] { null, run.Results[name] })
        {
            using var document = JsonDocument.Parse(JupyterNotebook.Write(lesson, _folder, result));
            Assert.Equal([], NotebookRules.Broken(document.RootElement));
        }
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(Lessons.Names), MemberType = typeof(Lessons))]
    public void The_notebook_holds_the_lessons_cells_and_finds_the_library(string name)
    {
        Notebook lesson = Notebook.Load(Path.Combine(Lessons.Folder, name));
        using var document = JsonDocument.Parse(JupyterNotebook.Write(lesson, _folder, null));
        var cells = document.RootElement.GetProperty("cells").EnumerateArray().ToArray();
        Assert.Equal(lesson.Cells.Count, cells.Length);
        string[] references = [.. cells.SelectMany(Source).Where(line => line.StartsWith("#r", StringComparison.Ordinal))];
        string library = Reference().Match(Assert.Single(references)).Groups[1].Value;
        Assert.True(File.Exists(Path.Combine(_folder, library)), $"{library} is not there, seen from {_folder}");
        foreach (var (cell, written) in lesson.Cells.Zip(cells))
        {
            Assert.Equal(cell.IsCode ? "code" : "markdown", written.GetProperty("cell_type").GetString());
            string source = string.Concat(Source(written));
            if (!cell.Source.Contains("#r ", StringComparison.Ordinal))
                Assert.Equal(cell.Source, source);
        }
    }

    [Fact]
    public void What_cells_show_needs_no_script_and_no_network()
    {
        var (outputs, drawings, interactives) = (0, 0, 0);
        foreach (var (name, result) in run.Results)
        {
            string text = JupyterNotebook.Write(result.Notebook!, _folder, result);
            using var document = JsonDocument.Parse(text);
            List<string> shown = [];
            foreach (JsonElement cell in document.RootElement.GetProperty("cells").EnumerateArray())
                foreach (JsonElement output in cell.TryGetProperty("outputs", out var all) ? all.EnumerateArray() : default)
                {
                    outputs++;
                    Assert.NotEqual("error", output.GetProperty("output_type").GetString());
                    if (!output.TryGetProperty("data", out JsonElement data))
                        continue;
                    Assert.NotEqual(0, data.GetProperty("text/plain").GetArrayLength());
                    var lines = data.TryGetProperty("text/html", out JsonElement markup) ? markup.EnumerateArray() : default;
                    string html = string.Concat(lines.Select(line => line.GetString()));
                    Assert.DoesNotMatch(Active(), html);
                    shown.Add(html);
                    foreach (Match drawing in Drawing().Matches(html))
                        System.Xml.Linq.XDocument.Parse(System.Text.Encoding.UTF8.GetString(
                            Convert.FromBase64String(drawing.Groups[1].Value)));
                }
            drawings += shown.Sum(html => Drawing().Count(html));
            string[] still = [.. result.Cells.SelectMany(cell => cell.Outputs).SelectMany(output => StillForm().Matches(output.Html ?? ""))
                .Select(form => form.Groups[1].Value.ReplaceLineEndings("\n"))];
            interactives += still.Length;
            foreach (string form in still)
            {
                // Of an interactive its still form is left, whole, with its numbers.
                Assert.Contains(shown, html => html.Contains(Drawings.AsImages(form), StringComparison.Ordinal));
                Assert.Matches("[0-9]", Tag().Replace(form, ""));
            }
            Assert.True(text.Length < 5_000_000, $"{name}: {text.Length} characters");
        }
        string found = $"{outputs} outputs, {drawings} drawings, {interactives} interactives";
        Assert.True(outputs > 200 && drawings > 10 && interactives >= 16, found);
    }

    [Fact]
    public void Math_folded_solutions_and_links_survive()
    {
        Notebook lesson = Write("""
            #!markdown
            # A
            $$x^{\top} \\ y$$ and $a_b$;
            see [the picture](picture.png), [the web](https://example.org/a.png), [below](#b), `[x](picture.png)`.
            <details><summary>Solution</summary>

            ```csharp
            string s = "<b>";
            ```

            </details>
            #!csharp
            #r "lib/x.dll"
            var s = "한국어 <script> \u0000 &";
            """);
        File.WriteAllText(Path.Combine(_folder, "picture.png"), "");
        using var document = JsonDocument.Parse(JupyterNotebook.Write(lesson, Path.Combine(_folder, "a", "b"), null));
        var cells = document.RootElement.GetProperty("cells");
        string prose = string.Concat(Source(cells[0]));
        Assert.Equal(lesson.Cells[0].Source.Replace("(picture.png),", "(../../picture.png),", StringComparison.Ordinal), prose);
        Assert.Equal(lesson.Cells[1].Source.Replace("lib/x.dll", "../../lib/x.dll", StringComparison.Ordinal),
            string.Concat(Source(cells[1])));
    }

    [Fact]
    public void A_failed_cell_keeps_its_error_and_what_it_had_shown()
    {
        Notebook lesson = Write("#!csharp\n1\n#!csharp\n2\n#!csharp\n3");
        var code = lesson.CodeCells.ToArray();
        CellFailure failure = new(2, 4, "System.InvalidOperationException: no\n  at the cell");
        CellResult said = new(code[0], [new(0, "said\u001b[1m\u0000", null, OutputSource.Printed)], 0.1, null);
        CellResult failed = new(code[1], [new(2, "x", "<b>x</b>")], 0.1, failure);
        LessonResult result = new(lesson.Path, lesson, [said, failed, new(code[2], [], null, null)], [failure], 1);
        using var document = JsonDocument.Parse(JupyterNotebook.Write(lesson, _folder, result));
        Assert.Equal([], NotebookRules.Broken(document.RootElement));
        var cells = document.RootElement.GetProperty("cells");
        Assert.Equal([1, 2], cells.EnumerateArray().Take(2).Select(cell => cell.GetProperty("execution_count").GetInt32()));
        Assert.Equal(JsonValueKind.Null, cells[2].GetProperty("execution_count").ValueKind);
        Assert.Equal("said\u001b[1m\u0000\n", cells[0].GetProperty("outputs")[0].GetProperty("text")[0].GetString());
        Assert.Equal("display_data", cells[1].GetProperty("outputs")[0].GetProperty("output_type").GetString());
        Assert.Equal("System.InvalidOperationException", cells[1].GetProperty("outputs")[1].GetProperty("ename").GetString());
        Assert.Equal(0, cells[2].GetProperty("outputs").GetArrayLength());
    }

    [Fact]
    public async Task Every_notebook_is_valid_by_the_schema_of_nbformat()
    {
        // Debian's package belongs to Debian's Python, which need not be the first on the path.
        string? python = null;
        foreach (string candidate in new[] { "python3", "/usr/bin/python3" })
            if (python is null && await PythonAsync(candidate, "import nbformat") is null) python = candidate;
        Assert.SkipWhen(python is null, "there is no python3 with nbformat here (Debian: apt install python3-nbformat)");
        foreach (var (name, result) in run.Results)
        {
            string file = Path.Combine(_folder, name.Replace('/', '.'));
            await File.WriteAllTextAsync(file + ".ipynb", JupyterNotebook.Write(result.Notebook!, _folder, null));
            await File.WriteAllTextAsync(file + ".run.ipynb", JupyterNotebook.Write(result.Notebook!, _folder, result));
        }
        // Reading converts nothing: the files are of the version that is written.
        string check = $"""
            import glob, nbformat
            for f in glob.glob('{_folder}/*.ipynb'):
                n = nbformat.read(f, as_version=nbformat.NO_CONVERT)
                nbformat.validate(n)
                assert (n.nbformat, n.nbformat_minor) == (4, 5), f
            """;
        Assert.Null(await PythonAsync(python, check));
    }

    /// <returns>What Python complains of; null for nothing.</returns>
    private static async Task<string?> PythonAsync(string python, string code)
    {
        try
        {
            var (ended, _, said) = await TestProcess.RunAsync(python, ["-c", code]);
            return ended == 0 ? null : said;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            return missing.Message;
        }
    }

    private Notebook Write(string text)
    {
        string path = Path.Combine(_folder, "a.dib");
        File.WriteAllText(path, text.ReplaceLineEndings("\n"));
        return Notebook.Load(path);
    }

    private static IEnumerable<string> Source(JsonElement cell) =>
        cell.GetProperty("source").EnumerateArray().Select(line => line.GetString()!);

    [GeneratedRegex("^#r \"(.*)\"$", RegexOptions.Multiline)]
    private static partial Regex Reference();

    [GeneratedRegex("<script|<svg|\\bsrc=\"(?!data:)|\\bhref=\"|url\\(|\\son[a-z]+=", RegexOptions.IgnoreCase)]
    private static partial Regex Active();

    [GeneratedRegex("<div class=\"clip-live-still\">(.*?)</div>\\s*<script type=\"application/json\">", RegexOptions.Singleline)]
    private static partial Regex StillForm();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex("<img [^>]*src=\"data:image/svg\\+xml;base64,([^\"]*)\"")]
    private static partial Regex Drawing();
}
