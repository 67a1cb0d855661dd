using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;
using Microsoft.DotNet.Interactive.Documents;

namespace ClipNotebooks.Notebooks.Tests;

/// <summary>What makes a lesson run alike in every engine and read alike to every reader. Loading refuses a BOM and magics.</summary>
public sealed partial class ConventionTests
{
    private static string Library(string path) => $"#r \"{(Edition.Of(path).IsEnglish ? "" : "../")}../lib/Workbook/bin/Release/net10.0/ClipNotebooks.Workbook.dll\"";

    /// <summary>What the extension of VS Code makes of the header when it opens a lesson: its own kernels.</summary>
    private const string Meta = """{"kernelInfo":{"defaultKernelName":"csharp","items":[{"name":"csharp","languageName":"csharp"},"""
        + """{"name":"fsharp","languageName":"F#","aliases":["f#","fs"]},{"name":"html","languageName":"HTML"},"""
        + """{"name":"http","languageName":"HTTP"},{"name":"javascript","languageName":"JavaScript","aliases":["js"]},"""
        + """{"name":"mermaid","languageName":"Mermaid"},{"name":"pwsh","languageName":"PowerShell","aliases":["powershell"]},"""
        + """{"name":"value"}]}}""";

    /// <summary>Opening and saving in an editor leaves git clean.</summary>
    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Lessons.Names), MemberType = typeof(Lessons))]
    public void The_engine_writes_the_lesson_as_it_read_it(string name)
    {
        string text = File.ReadAllText(Path.Combine(Lessons.Folder, name));
        Assert.Equal(text, CodeSubmission.Parse(text).ToCodeSubmissionContent());
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Lessons.Names), MemberType = typeof(Lessons))]
    public void No_mark_of_Markdown_is_left_in_the_prose_of_the_page(string name)
    {
        foreach (NotebookCell cell in Notebook.Load(Path.Combine(Lessons.Folder, name)).Cells.Where(cell => !cell.IsCode))
        {
            string words = Drawn().Replace(Prose.Of(cell).Html, "");
            Assert.True(words.IndexOfAny(['$', '*', '`']) < 0, $"cell {cell.Number}: {words}");
            Assert.DoesNotContain("<code class=\"math\">", Prose.Of(cell).Html, StringComparison.Ordinal);      // a formula that is shown as its TeX
        }
    }

    /// <summary>Code, formulas and tags.</summary>
    [GeneratedRegex("<(code|math)\\b.*?</\\1>|<[^>]*>", RegexOptions.Singleline)]
    private static partial Regex Drawn();

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Lessons.Names), MemberType = typeof(Lessons))]
    public void The_lesson_follows_the_conventions(string name)
    {
        Notebook notebook = Notebook.Load(Path.Combine(Lessons.Folder, name));
        List<string> wrong = [];
        if (notebook.Meta != Meta)
            wrong.Add($"line 3, the meta header, has to be what VS Code writes, or each lesson that is opened there is changed: {Meta}");
        string[] references = [.. notebook.CodeCells.SelectMany(cell => cell.Source.Split('\n')).Where(line => line.StartsWith("#r", StringComparison.Ordinal))];
        string library = Library(notebook.Path);
        if (references is not [var reference] || reference != library || !notebook.CodeCells.First().Source.Contains(library, StringComparison.Ordinal))
            wrong.Add($"one #r, in the first code cell, is expected: {library}");
        NotebookCell? above = notebook.Cells.TakeWhile(cell => !cell.IsCode).LastOrDefault();
        if (above is null || !above.Source.Contains("`dotnet build -c Release`", StringComparison.Ordinal) || !above.Source.Contains("CS0006", StringComparison.Ordinal))
            wrong.Add("the prose above the first code cell has to say what CS0006 means there and how to build the library: `dotnet build -c Release`");
        foreach (NotebookCell cell in notebook.CodeCells)
            wrong.AddRange(WrongWith(cell).Select(what => $"line {cell.Line}, cell {cell.Number}: {what}"));
        string prose = string.Join("\n", notebook.Cells.Where(cell => !cell.IsCode).Select(cell => cell.Source));
        if (!ReferencesHeading().IsMatch(prose))
            wrong.Add("a References section is missing");
        foreach (string target in Link().Matches(prose).Select(link => link.Groups["target"].Value).Where(target => !target.Contains(':', StringComparison.Ordinal)))
            if (!Path.Exists(Path.Combine(Path.GetDirectoryName(notebook.Path)!, target.Split('#')[0])))
                wrong.Add($"the link to {target} leads to nothing");
        string code = string.Join("\n", notebook.CodeCells.Select(cell => cell.Source));
        if (RandomNumber().Match(code) is { Success: true } random && !Seed().IsMatch(code[..random.Index]))
            wrong.Add($"{random.Value}…): a random number before any seed is fixed (manual_seed, new Generator), or without one");
        int exercises = ExerciseHeading().Count(prose);
        if (exercises < 3)
            wrong.Add($"three exercises or more are expected, each with a heading or bold text such as Exercise 1; there are {exercises}");
        Assert.True(wrong.Count == 0, name + ":\n" + string.Join('\n', wrong));
    }

    private static IEnumerable<string> WrongWith(NotebookCell cell)
    {
        bool type = TypeDeclaration().IsMatch(cell.Source);
        int limit = type ? 40 : 25;
        if (cell.LineCount > limit)
            yield return $"{cell.LineCount} lines; at most {limit}";
        if (NamespaceDeclaration().IsMatch(cell.Source))
            yield return "a namespace, which scripts do not allow";
        if (ExtensionMethod().IsMatch(cell.Source))
            yield return "an extension method, which notebook cells do not allow";
    }

    [GeneratedRegex(@"^(?:[a-z]+ )*(?:class|record|struct|interface) ", RegexOptions.Multiline)]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\b(?:manual_seed|new Generator)\(\d+\)")]
    private static partial Regex Seed();

    [GeneratedRegex(@"\b(?:new Random\(\)|Random\.Shared|randn?(?:_like)?\(|randint\(|randperm\(|init\.(?:normal|uniform|xavier_uniform|kaiming_uniform)_\()")]
    private static partial Regex RandomNumber();

    [GeneratedRegex(@"^\s*namespace\s", RegexOptions.Multiline)]
    private static partial Regex NamespaceDeclaration();

    [GeneratedRegex(@"\(\s*this\s+\w")]
    private static partial Regex ExtensionMethod();

    [GeneratedRegex(@"^#+ .*(?:References|참고 문헌)", RegexOptions.Multiline)]
    private static partial Regex ReferencesHeading();

    [GeneratedRegex(@"^(?:#+ |\*\*)(?:Exercise|연습) \d", RegexOptions.Multiline)]
    private static partial Regex ExerciseHeading();
}
