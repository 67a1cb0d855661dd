using System.Text.Json;
using ClipNotebooks.Cli.Shell;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;

namespace ClipNotebooks.Cli.Tests.Commands;

public sealed class ExportCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Output => Path.Combine(_folder.Path, "out");

    public void Dispose() => _folder.Dispose();

    private static async Task<(int Code, string Error)> RunAsync(params string[] arguments)
    {
        StringWriter error = new();
        return (await Program.RunAsync(["export", .. arguments], error), error.ToString());
    }

    private string[] Written() => Directory.Exists(Output)
        ? [.. Directory.GetFiles(Output, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Output, path).Replace('\\', '/')).Order(StringComparer.Ordinal)] : [];

    [Theory]
    [InlineData("00")]
    [InlineData("00", "--to", "pdf")]
    [InlineData("00", "--to", "cs", "--outputs")]
    [InlineData("00", "--to", "cs", "--absolute")]
    [InlineData("00", "--to", "ipynb", "--language", "fr")]
    [InlineData("00", "--to", "ipynb", "--timeout", "0")]
    [InlineData("no-such-lesson", "--to", "ipynb")]
    [InlineData("00", "--to", "onnx")]
    [InlineData("--to", "onnx", "--outputs")]
    [InlineData("--to", "onnx", "--language", "en")]
    [InlineData("--to", "onnx", "--precision", "int4")]
    [InlineData("00", "--to", "cs", "--precision", "int8")]
    [InlineData("00", "--to", "ipynb", "--model", "somewhere")]
    public async Task Wrong_usage_writes_nothing(params string[] arguments)
    {
        var (code, error) = await RunAsync([.. arguments, "--output", Output]);
        Assert.Equal(ExitCode.Usage, code);
        Assert.StartsWith("clipbook: ", error, StringComparison.Ordinal);
        Assert.Empty(Written());
    }

    [Fact]
    public async Task A_model_is_written_with_a_file_for_each_precision_and_not_over_another()
    {
        string[] arguments = ["--to", "onnx", "--precision", "float16", "int8", "--output", Output];
        Assert.Equal((ExitCode.Success, ""), await RunAsync(arguments));
        string[] files = Written();
        string[] graphs = ["onnx/model_fp16.onnx", "onnx/model_quantized.onnx", "onnx/text_model_fp16.onnx",
            "onnx/text_model_quantized.onnx", "onnx/vision_model_fp16.onnx", "onnx/vision_model_quantized.onnx"];
        Assert.Equal(graphs, files.Where(file => file.StartsWith("onnx/", StringComparison.Ordinal)));
        Assert.Contains("tokenizer.json", files);
        var (code, error) = await RunAsync(arguments);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("is there already: name another folder", error, StringComparison.Ordinal);
        Assert.Equal(files, Written());
    }

    [Fact]
    public async Task Each_language_has_its_folder()
    {
        Assert.Equal(ExitCode.Success, (await RunAsync("00", "ko/00", "--to", "ipynb", "--output", Output)).Code);
        Assert.Equal(["00-start-here.ipynb", "ko/00-start-here.ipynb"], Written());
    }

    /// <summary>
    /// Verso's kernel for C# is a Roslyn script with the default options: these find a library by its absolute path alone.
    /// </summary>
    [Fact]
    public async Task An_absolute_reference_is_found_by_an_engine_that_knows_no_folder()
    {
        Assert.Equal(ExitCode.Success, (await RunAsync("00", "--to", "ipynb", "--absolute", "--output", Output)).Code);
        using var notebook = JsonDocument.Parse(File.ReadAllText(Path.Combine(Output, "00-start-here.ipynb")));
        string absolute = notebook.RootElement.GetProperty("cells")[1].GetProperty("source")[0].GetString()!;
        const string Relative = "#r \"../lib/Workbook/bin/Release/net10.0/ClipNotebooks.Workbook.dll\"";
        Assert.Empty(CSharpScript.Create(absolute, ScriptOptions.Default).Compile());
        Assert.Equal("CS0006", Assert.Single(CSharpScript.Create(Relative, ScriptOptions.Default).Compile()).Id);
    }

    [Fact]
    public async Task Two_lessons_of_one_name_are_not_written_over_each_other()
    {
        string a = _folder.Write("a/x.dib", "#!csharp\n1"), b = _folder.Write("b/x.dib", "#!csharp\n2");
        var (code, error) = await RunAsync(a, b, "--to", "ipynb", "--output", Output);
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains(b, error, StringComparison.Ordinal);
        Assert.Empty(Written());
    }

    [Fact]
    public async Task An_executed_lesson_keeps_what_it_showed_also_where_a_cell_fails()
    {
        string lesson = _folder.Write("x.dib", "#!csharp\nConsole.WriteLine(\"said\");\n#!csharp\nthrow new " +
            "InvalidOperationException(\"on purpose\");\n#!csharp\n\"after\"");
        Assert.Equal(ExitCode.Failed, (await RunAsync(lesson, "--to", "ipynb", "--outputs", "--output", Output)).Code);
        using var notebook = JsonDocument.Parse(File.ReadAllText(Path.Combine(Output, "x.ipynb")));
        string[] shown = [.. notebook.RootElement.GetProperty("cells").EnumerateArray()
            .Select(cell => cell.GetProperty("outputs")[0].ToString())];
        Assert.Contains("said", shown[0], StringComparison.Ordinal);
        Assert.Contains("on purpose", shown[1], StringComparison.Ordinal);
        Assert.Contains("after", shown[2], StringComparison.Ordinal);
        Assert.Equal(["x.ipynb"], Written());
    }

    [Fact]
    public async Task A_lesson_that_is_no_notebook_is_named()
    {
        var (code, error) = await RunAsync(_folder.Write("x.dib", "#!fsharp\n1"), "--to", "cs", "--output", Output);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("x.dib(1)", error, StringComparison.Ordinal);
        Assert.Empty(Written());
    }
}
