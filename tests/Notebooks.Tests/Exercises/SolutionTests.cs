using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Workbook.Exercises;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;

namespace ClipNotebooks.Notebooks.Tests.Exercises;

/// <summary>The lessons' own text: the solution that is folded away passes, the stub in the cell after it is not yet attempted.</summary>
public sealed partial class SolutionTests
{
    public static TheoryData<string, int> Exercises => [.. Lessons.Paths.SelectMany(path => Pairs(path).Select((_, i) => (Lessons.NameOf(path), i + 1)))];

    [Theory(SkipTestWithoutData = true), MemberData(nameof(Exercises))]
    public async Task The_folded_solution_passes_its_check(string lesson, int number)
    {
        var (solution, cell) = Pairs(Path.Combine(Lessons.Folder, lesson))[number - 1];
        Assert.Equal(ExerciseStatus.Done, (await Run(lesson, solution + "\n" + Check().Match(cell).Value)).Status);
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(Exercises))]
    public async Task The_stub_is_not_yet_attempted(string lesson, int number)
    {
        var (_, cell) = Pairs(Path.Combine(Lessons.Folder, lesson))[number - 1];
        Assert.Equal(ExerciseStatus.NotYetAttempted, (await Run(lesson, cell)).Status);
    }

    private static async Task<ExerciseResult> Run(string lesson, string code)
    {
        string usings = string.Join('\n', Notebook.Load(Path.Combine(Lessons.Folder, lesson)).CodeCells.First().Source.Split('\n').Where(line => line.StartsWith("using ", StringComparison.Ordinal)));
        var options = ScriptOptions.Default.WithReferences(AppDomain.CurrentDomain.GetAssemblies().Where(a => !a.IsDynamic && a.Location.Length > 0))
            .AddReferences(typeof(ExerciseResult).Assembly, typeof(Clip.Models.ClipModel).Assembly, typeof(TorchSharp.torch).Assembly)
            .WithImports("System", "System.Linq", "System.Collections.Generic");
        return Assert.IsType<ExerciseResult>(await CSharpScript.EvaluateAsync(usings + "\n" + code, options));
    }

    /// <summary>Each prose cell with a folded solution, and the code cell after it.</summary>
    private static List<(string Solution, string Cell)> Pairs(string path)
    {
        var cells = Notebook.Load(path).Cells;
        return [.. cells.Zip(cells.Skip(1)).Where(pair => !pair.First.IsCode && Folded().IsMatch(pair.First.Source))
            .Select(pair => (Folded().Match(pair.First.Source).Groups[1].Value, pair.Second.Source))];
    }

    [GeneratedRegex(@"<details>.*?```csharp\n(.*?)```\s*</details>", RegexOptions.Singleline)]
    private static partial Regex Folded();

    [GeneratedRegex(@"^\w+\.\w+\.Check\(\w+\)", RegexOptions.Multiline)]
    private static partial Regex Check();
}
