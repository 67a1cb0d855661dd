using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Workbook.Exercises;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;

namespace ClipNotebooks.Notebooks.Tests.Exercises;

/// <summary>The lessons' own text: the solution that is folded away passes its check, the stub is not yet attempted.</summary>
[Collection(InProcessCollection.Name)]
public sealed partial class SolutionTests
{
    /// <summary>What scripts refer to, read once for all of them.</summary>
    private static readonly ScriptOptions Options = ScriptOptions.Default
        .WithReferences(AppDomain.CurrentDomain.GetAssemblies().Where(a => !a.IsDynamic && a.Location.Length > 0))
        .AddReferences(typeof(ExerciseResult).Assembly, typeof(Clip.Models.ClipModel).Assembly, typeof(TorchSharp.torch).Assembly)
        .WithImports("System", "System.Linq", "System.Collections.Generic");

    /// <summary>Each lesson's exercises, compiled together when the first of them is asked for.</summary>
    private static readonly Dictionary<string, Lazy<Task<(Func<object> Stub, Func<object> Solution)[]>>> Compiled =
        Lessons.Paths.ToDictionary(Lessons.NameOf, path => new Lazy<Task<(Func<object>, Func<object>)[]>>(() => Compile(path)));

    public static TheoryData<string, int> Exercises =>
        [.. Lessons.Paths.SelectMany(path => Of(path).Select((_, i) => (Lessons.NameOf(path), i + 1)))];

    /// <summary>A stub whose check is written otherwise would be looked at by none of these tests.</summary>
    [Theory(SkipTestWithoutData = true), MemberData(nameof(Lessons.Names), MemberType = typeof(Lessons))]
    public void Every_exercise_of_the_lesson_is_among_those_tested(string lesson)
    {
        string name = Path.GetFileNameWithoutExtension(lesson);
        Type type = typeof(ExerciseProgress).Assembly.GetExportedTypes().Single(type => ProgressOf(type)?.Lesson == name);
        PropertyInfo[] properties = type.GetProperties(BindingFlags.Public | BindingFlags.Static);
        Assert.Equal(
            ProgressOf(type)!.Exercises.Select(exercise => $"{type.Name}." +
                properties.Single(property => (property.GetValue(null) as Exercise)?.Title == exercise.Title).Name),
            Of(Path.Combine(Lessons.Folder, lesson)).Select(exercise => Check().Match(exercise.Stub).Groups["of"].Value));
    }

    private static ExerciseProgress? ProgressOf(Type type) =>
        type.GetProperty("Progress", typeof(ExerciseProgress))?.GetValue(null) as ExerciseProgress;

    [Theory(SkipTestWithoutData = true), MemberData(nameof(Exercises))]
    public async Task The_folded_solution_passes_its_check(string lesson, int number)
    {
        var result = Assert.IsType<ExerciseResult>((await Compiled[lesson].Value)[number - 1].Solution());
        Assert.True(result.Status == ExerciseStatus.Done, result.ToText());
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(Exercises))]
    public async Task The_stub_is_not_yet_attempted(string lesson, int number)
    {
        var result = Assert.IsType<ExerciseResult>((await Compiled[lesson].Value)[number - 1].Stub());
        Assert.True(result.Status == ExerciseStatus.NotYetAttempted, result.ToText());
    }

    /// <summary>One script a lesson: an array of functions, each the stub or the solution of an exercise with its check.</summary>
    private static async Task<(Func<object> Stub, Func<object> Solution)[]> Compile(string path)
    {
        var exercises = Of(path);
        var script = new StringBuilder();
        foreach (string line in Notebook.Load(path).CodeCells.First().Source.Split('\n'))
            if (line.StartsWith("using ", StringComparison.Ordinal)) script.AppendLine(line);
        script.AppendLine("new Func<object>[] {");
        for (int i = 0; i < exercises.Count; i++)
        {
            string check = Check().Match(exercises[i].Stub).Value;
            Append($"stub {i + 1}", exercises[i].Stub.Replace(check, $"return {check};", StringComparison.Ordinal));
            Append($"solution {i + 1}", $"{exercises[i].Solution}\nreturn {check};");
        }
        script.AppendLine("}");
        var functions = await CSharpScript.EvaluateAsync<Func<object>[]>(script.ToString(), Options);
        return [.. functions.Chunk(2).Select(pair => (pair[0], pair[1]))];

        // A compiler's message names the exercise by this line.
        void Append(string what, string code) =>
            script.AppendLine($"() => {{\n#line 1 \"{Lessons.NameOf(path)}, {what}\"\n{code}\n}},\n#line default");
    }

    /// <summary>Each code cell with a check, and the solution that is folded away in the prose below it.</summary>
    private static List<(string Stub, string Solution)> Of(string path)
    {
        NotebookCell[] cells = [.. Notebook.Load(path).Cells];
        return [.. Enumerable.Range(1, cells.Length - 2).Where(i => cells[i].IsCode && Check().IsMatch(cells[i].Source))
            .Select(i => (cells[i].Source, Solution().Match(cells[i + 1].Source).Groups["code"].Value))];
    }

    [GeneratedRegex(@"<details><summary>(?:Solution|풀이)</summary>\s*```csharp\n(?<code>.*?)```\s*</details>", RegexOptions.Singleline)]
    private static partial Regex Solution();

    [GeneratedRegex(@"^(?<of>\w+\.\w+)\.Check\(\w+\)", RegexOptions.Multiline)]
    private static partial Regex Check();
}
