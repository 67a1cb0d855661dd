using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Export;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace ClipNotebooks.Notebooks.Tests.Export;

/// <summary>
/// Lessons as programs of one file: every one compiles against the built library; what the conversion has to rename, drop and move is shown
/// by small ones.
/// </summary>
[Collection(InProcessCollection.Name)]
public sealed class ProgramTests
{
    /// <summary>The English lessons; EditionTests holds the code of the others to theirs.</summary>
    public static TheoryData<string> English => [.. Lessons.Paths.Where(path => Edition.Of(path).IsEnglish).Select(Lessons.NameOf)];

    private static string Repository => Path.GetDirectoryName(Lessons.Folder)!;

    private static string Written(string lesson) =>
        LessonProgramWriter.Write(Notebook.Load(lesson), Path.Combine(Repository, "artifacts", "cs"), Repository);

    [Theory(SkipTestWithoutData = true), MemberData(nameof(English))]
    public void The_program_of_the_lesson_compiles(string name)
    {
        string program = Written(Path.Combine(Lessons.Folder, name));
        Assert.Equal([], Errors(program));
        Assert.DoesNotContain("#r ", program, StringComparison.Ordinal);
        foreach (NotebookCell cell in Notebook.Load(Path.Combine(Lessons.Folder, name)).CodeCells)
            Assert.Contains($"LessonProgram.Cell({cell.Number});", program, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_later_cell_declares_anew_gets_a_name_of_its_own() => AssertPrints("""
        #!csharp
        var x = 1;
        int Twice(int v) => 2 * v;
        Console.WriteLine(Twice(x));
        #!csharp
        var x = "two";
        int Twice(int v) => 20 * v;
        var pair = (x, 5);
        Console.WriteLine(pair.x + Twice(1) + new { x }.x);
        """, "2", "two20two");

    [Fact]
    public void A_name_in_a_block_does_not_collide_with_a_later_cells_variable() => AssertPrints("""
        #!csharp
        foreach (int n in new[] { 1, 2 }) { var squared = n * n; Console.Write(squared); }
        Func<int, int> f = n => { var squared = n + 1; return squared; };
        Console.WriteLine(f(1));
        #!csharp
        var n = 7;
        int squared = n * n;
        squared
        """, "142", "49");

    [Fact]
    public void A_variable_does_not_hide_the_library_from_earlier_cells() => AssertPrints("""
        #!csharp
        using static System.Math;
        Console.WriteLine(Max(1, 2));
        #!csharp
        var Max = 5;
        Max + 1
        """, "2", "6");

    [Fact]
    public void Types_go_to_the_end_and_usings_to_the_front() => AssertPrints("""
        #!csharp
        // A point.
        record Point(int X, int Y);
        var p = new Point(1, 2);
        Console.WriteLine(p.X);
        #!csharp
        using System.IO;
        await Task.Yield();
        Path.GetExtension("a.dib")
        """, "1", ".dib");

    [Fact]
    public void A_last_expression_is_shown_unless_it_has_no_value() => AssertPrints("""
        #!csharp
        double half = 0.5;
        half
        #!csharp
        Console.WriteLine("said")
        #!csharp
        new[] { 1, 2 }.Display();
        display(HTML("<b>bold</b>"));
        """, "0.5", "said", "[1, 2]", "<b>bold</b>", "[pictures/a.cell-03-1.html]");

    [Fact]
    public void Prose_stays_a_comment_whatever_it_holds() => AssertPrints("#!markdown\nA */ B " +
        "\u2028Console.WriteLine(1);\u0085Console.WriteLine(2); \u2029#error x\n#!csharp\n\"code\"", "code");

    [Fact]
    public void A_cell_that_does_not_compile_is_named_with_its_line()
    {
        var problem = Assert.ThrowsAny<Exception>(() => In(folder => Write(folder, "#!csharp\nvar x = 1;\n#!csharp\n\nvar y = z;")));
        Assert.Contains("a.dib(5): cell 2 does not compile: CS0103", problem.Message, StringComparison.Ordinal);
        problem = Assert.ThrowsAny<Exception>(() => In(folder => Write(folder, "#!csharp\n#r \"missing.dll\"")));
        Assert.Contains("dotnet build -c Release", problem.Message, StringComparison.Ordinal);
    }

    /// <summary>Runs a lesson's program in this process and compares what it prints.</summary>
    private static void AssertPrints(string lesson, params string[] lines) => In(folder =>
    {
        string program = Write(folder, lesson);
        using MemoryStream assembly = new();
        var compiled = Compile(program, Path.Combine(folder, "a.cs")).Emit(assembly);
        Assert.True(compiled.Success, program + string.Join('\n', compiled.Diagnostics));
        var (console, here, said) = (Console.Out, Environment.CurrentDirectory, new StringWriter());
        try
        {
            Console.SetOut(said);
            var main = System.Reflection.Assembly.Load(assembly.ToArray()).EntryPoint!;
            main.Invoke(null, main.GetParameters().Length == 0 ? null : [Array.Empty<string>()]);
        }
        finally
        {
            Environment.CurrentDirectory = here;
            AppContext.SetData("ClipNotebooks.Display", null);
            Console.SetOut(console);
        }
        Assert.Equal(lines, said.ToString().ReplaceLineEndings("\n").TrimEnd().Split('\n'));
        return program;
    });

    private static string Write(string folder, string lesson)
    {
        string path = Path.Combine(folder, "a.dib");
        File.WriteAllText(path, lesson.ReplaceLineEndings("\n"));
        return LessonProgramWriter.Write(Notebook.Load(path), folder, Repository);
    }

    private static string In(Func<string, string> work)
    {
        string folder = Directory.CreateTempSubdirectory("program-").FullName;
        try
        {
            return work(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string[] Errors(string program) =>
        [.. Compile(program, "lesson.cs").GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error).Select(d => d.ToString())];

    /// <summary>As the SDK compiles a file-based app, against everything but clipbook itself.</summary>
    private static CSharpCompilation Compile(string program, string path)
    {
        var options = CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.CSharp14)
            .WithFeatures([new("FileBasedProgram", "true")]);
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(file => file.EndsWith(".dll", StringComparison.Ordinal) && Path.GetFileName(file) is not "ClipNotebooks.Cli.dll")
            .Select(file => MetadataReference.CreateFromFile(file));
        return CSharpCompilation.Create(Path.GetFileNameWithoutExtension(path),
            [CSharpSyntaxTree.ParseText(program, options, path, System.Text.Encoding.UTF8)], references,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Annotations));
    }
}
