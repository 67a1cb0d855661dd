using ClipNotebooks.Workbook.Programs;
using ClipNotebooks.Workbook.Views;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Tests.Programs;

/// <summary>A lesson that runs as a program: what is shown is said in the console and written beside the program.</summary>
public sealed class LessonProgramTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lesson-program-").FullName, _here = Environment.CurrentDirectory;
    private readonly TextWriter _console = Console.Out;
    private readonly StringWriter _said = new();

    public LessonProgramTests()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "lessons"));
        Directory.CreateDirectory(Path.Combine(_folder, "programs"));
        Console.SetOut(_said);
        LessonProgram.Begin("../lessons", Path.Combine(_folder, "programs", "my-lesson.cs"));
        LessonProgram.Cell(7);
    }

    public void Dispose()
    {
        Console.SetOut(_console);
        Environment.CurrentDirectory = _here;
        AppContext.SetData("ClipNotebooks.Display", null);
        Directory.Delete(_folder, recursive: true);
    }

    private string[] Lines => _said.ToString().ReplaceLineEndings("\n").TrimEnd().Split('\n');

    private string[] Pictures => Directory.Exists(Path.Combine(_folder, "programs", "pictures"))
        ? [.. Directory.GetFiles(Path.Combine(_folder, "programs", "pictures")).Select(file => Path.GetFileName(file))
            .Order(StringComparer.Ordinal)] : [];

    private string Page(string name) => File.ReadAllText(Path.Combine(_folder, "programs", "pictures", name));

    [Fact]
    public void Paths_are_seen_from_the_lessons_folder() => Assert.Equal("lessons", Path.GetFileName(Environment.CurrentDirectory));

    [Fact]
    public void A_program_that_was_moved_says_so() => Assert.Contains("Export it again",
        Assert.Throws<DirectoryNotFoundException>(() => LessonProgram.Begin("../lessons", Path.Combine(_folder, "elsewhere.cs"))).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_plot_becomes_a_page_that_shares_its_library_and_a_matrix_a_picture_too()
    {
        LessonProgram.display(new MatrixView(eye(2), ["a", "b"], ["c", "d"], "M"));
        LessonProgram.Cell(8);
        new CurveView("C", "x", "y", [("c", [1, 2], [3, 4])]).Display();
        Assert.Equal(["my-lesson.cell-07-1.html", "my-lesson.cell-07-1.png", "my-lesson.cell-08-1.html", "plotly.min.js"], Pictures);
        Assert.Contains("<script src=\"plotly.min.js\">", Page("my-lesson.cell-08-1.html"), StringComparison.Ordinal);
        Assert.Contains("[pictures/my-lesson.cell-07-1.html]", Lines);
    }

    [Fact]
    public void A_live_view_says_each_state_and_keeps_one_page()
    {
        var live = LiveView.Show((IView)LessonProgram.HTML("<i>one</i>"));
        live.Update(LessonProgram.HTML("<i>two</i>"));
        LessonProgram.display(LessonProgram.HTML("<i>three</i>"));
        Assert.Equal(["my-lesson.cell-07-1.html", "my-lesson.cell-07-2.html"], Pictures);
        Assert.Contains("<i>two</i>", Page("my-lesson.cell-07-1.html"), StringComparison.Ordinal);
        Assert.DoesNotContain("<script", Page("my-lesson.cell-07-1.html"), StringComparison.Ordinal);
        Assert.Equal(3, Lines.Count(line => line.StartsWith("<i>", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_is_no_view_has_a_text_form_alone()
    {
        foreach (object? value in new object?[] { null, "text", 0.5, new[] { 1.5, 2 }, (1, "a"),
            new List<int> { 3 } }) LessonProgram.display(value);
        Assert.Equal(["<null>", "text", "0.5", "[1.5, 2]", "(1, a)", "[3]"], Lines);
        Assert.Empty(Pictures);
    }
}
