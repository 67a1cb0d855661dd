using System.Globalization;
using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;
using Microsoft.DotNet.Interactive.Documents;

namespace ClipNotebooks.Notebooks.Tests;

/// <summary>What makes a lesson run alike in every engine and read alike to every reader. Loading refuses a BOM and magics.</summary>
public sealed partial class ConventionTests
{
    private static string Library(string path) => $"#r " +
        $"\"{(Edition.Of(path).IsEnglish ? "" : "../")}../lib/Workbook/bin/Release/net10.0/ClipNotebooks.Workbook.dll\"";

    /// <summary>What the extension of VS Code makes of the header when it opens a lesson: its own kernels.</summary>
    private const string Meta = """{"kernelInfo":{"defaultKernelName":"csharp","items":[{"name":"csharp","languageName":"csharp"},"""
        + """{"name":"fsharp","languageName":"F#","aliases":["f#","fs"]},{"name":"html","languageName":"HTML"},"""
        + """{"name":"http","languageName":"HTTP"},{"name":"javascript","languageName":"JavaScript","aliases":["js"]},"""
        + """{"name":"mermaid","languageName":"Mermaid"},{"name":"pwsh","languageName":"PowerShell","aliases":["powershell"]},"""
        + """{"name":"value"}]}}""";

    private static int Samples { get; } = Directory.GetFiles(Path.Combine(Lessons.Folder, "..", "data", "images"), "*.png").Length;

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
            // a formula that is shown as its TeX
            Assert.DoesNotContain("<code class=\"math\">", Prose.Of(cell).Html, StringComparison.Ordinal);
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
        string[] references = [.. notebook.CodeCells.SelectMany(cell => cell.Source.Split('\n'))
            .Where(line => line.StartsWith("#r", StringComparison.Ordinal))];
        string library = Library(notebook.Path);
        if (references is not [var reference] || reference != library
            || !notebook.CodeCells.First().Source.Contains(library, StringComparison.Ordinal))
            wrong.Add($"one #r, in the first code cell, is expected: {library}");
        NotebookCell? above = notebook.Cells.TakeWhile(cell => !cell.IsCode).LastOrDefault();
        if (above is null || !above.Source.Contains("`dotnet build -c Release`", StringComparison.Ordinal)
            || !above.Source.Contains("CS0006", StringComparison.Ordinal))
            wrong.Add("the prose above the first code cell has to say what CS0006 means there and how to build the library: `dotnet " +
                "build -c Release`");
        foreach (NotebookCell cell in notebook.CodeCells)
            wrong.AddRange(WrongWith(cell).Select(what => $"line {cell.Line}, cell {cell.Number}: {what}"));
        string prose = string.Join("\n", notebook.Cells.Where(cell => !cell.IsCode).Select(cell => cell.Source));
        foreach (string twice in SectionHeading().Matches(prose).GroupBy(heading => heading.Value).Where(group => group.Count() > 1)
            .Select(group => group.Key))
            wrong.Add($"two sections are called {twice.TrimStart('#', ' ')}");
        if (!ReferencesHeading().IsMatch(prose))
            wrong.Add("a References section is missing");
        foreach (string target in Link().Matches(prose).Select(link => link.Groups["target"].Value)
            .Where(target => !target.Contains(':', StringComparison.Ordinal)))
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

    /// <summary>Head, place on the map, predictions, exercises with their hints below, an open experiment, five questions.</summary>
    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Lessons.Names), MemberType = typeof(Lessons))]
    public void The_lesson_asks_before_it_shows(string name)
    {
        NotebookCell[] cells = [.. Notebook.Load(Path.Combine(Lessons.Folder, name)).Cells];
        bool english = Edition.Of(name).IsEnglish;
        string prose = string.Join("\n\n", cells.Where(cell => !cell.IsCode).Select(cell => cell.Source));
        List<string> wrong = [];
        if (!(english ? EnglishHead() : KoreanHead()).IsMatch(cells[0].Source))
            wrong.Add("the head has to list the question, what the lesson needs, its minutes, and what one can do afterwards");
        if (!cells.Any(cell => cell.IsCode && cell.Source.Contains("new ArchitectureMap(", StringComparison.Ordinal)))
            wrong.Add("no ArchitectureMap says where in CLIP the lesson is");
        if ((english ? EnglishPrediction() : KoreanPrediction()).Count(prose) is < 2 and var predictions)
            wrong.Add($"two places or more have to ask for a prediction; there are {predictions}");
        if (!(english ? EnglishExperiment() : KoreanExperiment()).IsMatch(prose))
            wrong.Add("an open experiment is missing");
        for (int i = 0; i < cells.Length; i++)
            if (cells[i].IsCode && ExerciseCheck().IsMatch(cells[i].Source)
                && !(english ? EnglishFolds() : KoreanFolds()).IsMatch(i + 1 < cells.Length ? cells[i + 1].Source : ""))
                wrong.Add($"line {cells[i].Line}: below the stub have to be a hint, a second hint and a solution, folded away");
        string questions = (english ? EnglishQuestions() : KoreanQuestions()).Match(prose).Value;
        if (Question().Count(questions) is not 5 and var count)
            wrong.Add($"five questions with answers, folded away, are expected; there are {count}");
        Assert.True(wrong.Count == 0, name + ":\n" + string.Join('\n', wrong));
    }

    private static IEnumerable<string> WrongWith(NotebookCell cell)
    {
        bool type = TypeDeclaration().IsMatch(cell.Source);
        int limit = type ? 40 : 25;
        if (cell.Source.Split('\n').Length is var lines && lines > limit)
            yield return $"{lines} lines; at most {limit}";
        if (NamespaceDeclaration().IsMatch(cell.Source))
            yield return "a namespace, which scripts do not allow";
        foreach (Match asked in SampleCount().Matches(cell.Source))
            if (int.Parse(asked.Groups["count"].Value, CultureInfo.InvariantCulture) > Samples)
                yield return $"{asked.Value.Trim()} of {Samples} sample images; a comment beside it has to say why";
        if (ExtensionMethod().IsMatch(cell.Source))
            yield return "an extension method, which notebook cells do not allow";
    }

    [GeneratedRegex(@"^(?:[a-z]+ )*(?:class|record|struct|interface) ", RegexOptions.Multiline)]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\b(?:manual_seed|new Generator)\(\d+\)")]
    private static partial Regex Seed();

    [GeneratedRegex(@"\b(?:new Random\(\)|Random\.Shared|randn?(?:_like)?\(|randint\(|randperm\(|" +
        @"init\.(?:normal|uniform|xavier_uniform|kaiming_uniform)_\()")]
    private static partial Regex RandomNumber();

    [GeneratedRegex(@"^\s*namespace\s", RegexOptions.Multiline)]
    private static partial Regex NamespaceDeclaration();

    [GeneratedRegex(@"\(\s*this\s+\w")]
    private static partial Regex ExtensionMethod();

    [GeneratedRegex(@"^##+ .*$", RegexOptions.Multiline)]
    private static partial Regex SectionHeading();

    /// <summary>How many sample images a line without a comment asks for.</summary>
    [GeneratedRegex(@"\bSamples\((?<count>\d+)\)(?!.*//)")]
    private static partial Regex SampleCount();

    [GeneratedRegex(@"^#+ .*(?:References|참고 문헌)", RegexOptions.Multiline)]
    private static partial Regex ReferencesHeading();

    [GeneratedRegex(@"^(?:#+ |\*\*)(?:Exercise|연습) \d", RegexOptions.Multiline)]
    private static partial Regex ExerciseHeading();

    [GeneratedRegex(
        @"^- \*\*Question\.\*\* .+\?\n- \*\*Needs\.\*\* .+\.\n- \*\*Minutes\.\*\* \d+\n- \*\*Afterwards you can\*\* .+\.$",
        RegexOptions.Multiline)]
    private static partial Regex EnglishHead();

    [GeneratedRegex(@"^- \*\*물음\.\*\* .+\?\n- \*\*필요한 것\.\*\* .+\n- \*\*시간\.\*\* \d+분\n- \*\*마치면\*\* .+\.$", RegexOptions.Multiline)]
    private static partial Regex KoreanHead();

    [GeneratedRegex(@"^> \*\*Predict\.\*\* .*\?", RegexOptions.Multiline)]
    private static partial Regex EnglishPrediction();

    [GeneratedRegex(@"^> \*\*예측\.\*\* .*\?", RegexOptions.Multiline)]
    private static partial Regex KoreanPrediction();

    [GeneratedRegex(@"^### Open experiment\n\n\S", RegexOptions.Multiline)]
    private static partial Regex EnglishExperiment();

    [GeneratedRegex(@"^### 열린 실험\n\n\S", RegexOptions.Multiline)]
    private static partial Regex KoreanExperiment();

    [GeneratedRegex(@"^## Five questions\n.*?(?=^## |\z)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex EnglishQuestions();

    [GeneratedRegex(@"^## 다섯 가지 물음\n.*?(?=^## |\z)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex KoreanQuestions();

    /// <summary>A question and, folded below it, an answer of some words.</summary>
    [GeneratedRegex(@"<details><summary>[^<]+\?</summary>(?:(?!</details>).){40,}</details>", RegexOptions.Singleline)]
    private static partial Regex Question();

    [GeneratedRegex(
        @"\A<details><summary>Hint</summary>.+<details><summary>Second hint</summary>.+<details><summary>Solution</summary>\s*```",
        RegexOptions.Singleline)]
    private static partial Regex EnglishFolds();

    [GeneratedRegex(
        @"\A<details><summary>힌트</summary>.+<details><summary>둘째 힌트</summary>.+<details><summary>풀이</summary>\s*```",
        RegexOptions.Singleline)]
    private static partial Regex KoreanFolds();

    [GeneratedRegex(@"^\w+\.\w+\.Check\(\w+\)", RegexOptions.Multiline)]
    private static partial Regex ExerciseCheck();
}
