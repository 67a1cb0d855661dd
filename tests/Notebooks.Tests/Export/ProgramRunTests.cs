using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Export;

namespace ClipNotebooks.Notebooks.Tests.Export;

/// <summary>Lessons as programs, run as a reader runs them.</summary>
public sealed class ProgramRunTests
{
    private static string Repository => Path.GetDirectoryName(Lessons.Folder)!;

    /// <summary>
    /// It writes plots, pictures and interactives; the others' cells are executed by the lessons' run all the same.
    /// </summary>
    private const string Always = "04-contrastive-loss.dib";

    /// <summary>A folder of the repository that stays: the SDK keeps a program's build by its path.</summary>
    private static string Folder { get; } = Path.Combine(Repository, "artifacts", "test-programs");

    [Theory(SkipTestWithoutData = true), MemberData(nameof(ProgramTests.English), MemberType = typeof(ProgramTests))]
    public async Task The_program_of_the_lesson_runs_and_writes_its_pictures(string name)
    {
        Assert.SkipUnless(name == Always || Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1",
            "One program runs here, all of them with CLIP_LONG_TESTS=1; that each compiles is seen in ProgramTests.");
        var (exit, said) = await RunAsync(Path.Combine(Lessons.Folder, name));
        Assert.True(exit == 0, said);
        Assert.DoesNotContain(": warning ", said, StringComparison.Ordinal);
        string lesson = Path.GetFileNameWithoutExtension(name);
        string[] pages = [.. said.Split('\n').Where(line => line.StartsWith("[pictures/", StringComparison.Ordinal))
            .Select(line => line.Trim('[', ']', '\r')).Distinct()];
        Assert.True(pages.Length >= 5, said);
        Assert.All(pages, page => Assert.StartsWith($"pictures/{lesson}.cell-", page, StringComparison.Ordinal));
        Assert.All(pages, page => Assert.True(File.Exists(Path.Combine(Folder, page)), page));
        string code = await File.ReadAllTextAsync(Path.Combine(Lessons.Folder, name));
        bool matrices = code.Contains("new SimilarityMatrix(", StringComparison.Ordinal)
            || code.Contains("new MatrixView(", StringComparison.Ordinal);
        Assert.Equal(matrices, pages.Any(page => File.Exists(Path.Combine(Folder, Path.ChangeExtension(page, ".png")))));
        Assert.Contains("<script src=\"plotly.min.js\">", string.Concat(pages.Select(page => File.ReadAllText(Path.Combine(Folder, page)))),
            StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Folder, "pictures", "plotly.min.js")));
    }

    [Fact]
    public async Task A_program_whose_check_fails_says_so_to_the_shell()
    {
        Directory.CreateDirectory(Folder);
        string lesson = Path.Combine(Folder, "fails.dib");
        await File.WriteAllTextAsync(lesson, "#!csharp\n#r \"../../lib/Workbook/bin/Release/net10.0/ClipNotebooks.Workbook.dll\"\nusing " +
            "ClipNotebooks.Workbook;\nConsole.WriteLine(\"before\");\n#!csharp\nLesson.Agree(1.0, 2.0)\n#!csharp\n\"after\"");
        var (code, said) = await RunAsync(lesson);
        Assert.NotEqual(0, code);
        Assert.Contains("before", said, StringComparison.Ordinal);
        Assert.Contains("The results do not agree", said, StringComparison.Ordinal);
        Assert.Contains("fails.cs:line", said, StringComparison.Ordinal);
        Assert.DoesNotContain("after", said, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Said)> RunAsync(string lesson)
    {
        Directory.CreateDirectory(Folder);
        string program = Path.Combine(Folder, Path.GetFileNameWithoutExtension(lesson) + ".cs");
        await File.WriteAllTextAsync(program, LessonProgramWriter.Write(Notebook.Load(lesson), Folder, Repository));
        // The library is built already, and other tests of the solution use it at this moment: it is not built again here.
        string[] arguments = ["run", "--property:BuildProjectReferences=false", program];
        // What the build that runs these tests tells its children is not meant for another one.
        var environment = Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(key => key.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToDictionary(key => key, _ => (string?)null);
        environment["MSBUILDDISABLENODEREUSE"] = "1";
        environment["DOTNET_DbgEnableMiniDump"] = "0";
        TimeSpan limit = TimeSpan.FromMinutes(10);
        var (code, output, error) = await TestProcess.RunAsync(TestProcess.DotNet, arguments, environment, Path.GetTempPath(), limit);
        return (code, output + error);
    }
}
