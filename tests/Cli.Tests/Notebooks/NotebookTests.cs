using System.Text;
using ClipNotebooks.Cli.Notebooks;

namespace ClipNotebooks.Cli.Tests.Notebooks;

public sealed class NotebookTests
{
    private const string Canonical =
        "#!meta\n\n{\"kernelInfo\":{\"defaultKernelName\":\"csharp\",\"items\":[{\"name\":\"csharp\"}]}}\n\n#!markdown\n\n# " +
        "Title\n\nText\n\n#!csharp\n\nvar x = 1;\nx\n";

    [Fact]
    public void The_canonical_form_gives_its_cells_with_their_lines()
    {
        Notebook notebook = Notebook.Parse("a.dib", Canonical);
        Assert.Equal("Title", notebook.Title);
        Assert.Equal([new NotebookCell(1, "markdown", "# Title\n\nText", 7), new NotebookCell(2, "csharp", "var x = 1;\nx", 13)],
            notebook.Cells);
        Assert.StartsWith("{\"kernelInfo\"", notebook.Meta);
    }

    [Fact]
    public void Windows_line_ends_change_nothing() =>
        Assert.Equal(Notebook.Parse("a.dib", Canonical).Cells, Notebook.Parse("a.dib", Canonical.Replace("\n", "\r\n")).Cells);

    [Fact]
    public void The_meta_header_is_optional() => Assert.Null(Notebook.Parse("a.dib", "#!csharp\n1").Meta);

    [Fact]
    public void A_cell_without_text_is_none_as_in_the_editors() =>
        Assert.Equal([new NotebookCell(1, "csharp", "  1", 5)],
            Notebook.Parse("a.dib", "#!markdown\n\n#!csharp\n\n  1\n\n#!csharp\n\n").Cells);

    [Fact]
    public void A_delimiter_inside_a_raw_string_splits_the_cell_as_in_the_editors()
    {
        Notebook notebook = Notebook.Parse("a.dib", "#!csharp\nvar s = \"\"\"\n#!markdown\n\"\"\";\n");
        Assert.Equal([new NotebookCell(1, "csharp", "var s = \"\"\"", 2), new NotebookCell(2, "markdown", "\"\"\";", 4)], notebook.Cells);
    }

    [Theory]
    [InlineData("#!csharp\n1\n#!time\n2", 1, 3, "magic command #!time")]
    [InlineData("#!markdown\nText\n#!csharp\n#!import \"a.dib\"", 2, 4, "magic command #!import")]
    [InlineData("#!csharp\nvar a = 1;\n#r \"nuget: TorchSharp\"", 1, 3, "package feed")]
    [InlineData("#!csharp \n1", 0, 1, "spaces at its end")]
    [InlineData("#!csharp\n1\n#!meta\n{}", 1, 3, "second meta header")]
    [InlineData("#!meta\n{\n  \"kernelInfo\": ?\n}\n#!csharp\n1", 0, 3, "not JSON")]
    [InlineData("#!meta\n[1,2]\n#!csharp\n1", 0, 2, "not one that the engine reads")]
    [InlineData("#!meta\n\"x\"\n#!csharp\n1", 0, 2, "not one that the engine reads")]
    [InlineData("#!meta\n{\"kernelInfo\":5}\n#!csharp\n1", 0, 2, "not one that the engine reads")]
    [InlineData("#!meta\n{\"kernelInfo\":{\"items\":[5]}}\n#!csharp\n1", 0, 2, "not one that the engine reads")]
    [InlineData("#!meta\n{\"kernelInfo\":{\"items\":[{\"name\":null}]}}\n#!csharp\n1", 0, 2, "not one that the engine reads")]
    [InlineData("Hello\n#!csharp\n1", 0, 1, "before the first cell")]
    [InlineData("\n", 0, 1, "no cell")]
    public void What_engines_read_differently_is_refused_with_file_cell_and_line(string text, int cell, int line, string problem)
    {
        NotebookException thrown = Assert.Throws<NotebookException>(() => Notebook.Parse("a.dib", text));
        Assert.Equal((cell, line), (thrown.Cell, thrown.Line));
        Assert.Contains(problem, thrown.Message);
        Assert.StartsWith($"a.dib({line}): ", thrown.Message);
    }

    [Fact]
    public void A_byte_order_mark_is_refused()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "a.dib");
        File.WriteAllText(path, Canonical, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        Assert.Contains("byte-order mark", Assert.Throws<NotebookException>(() => Notebook.Load(path)).Message);
    }

    [Fact]
    public void Bytes_that_are_not_utf8_are_refused()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "a.dib");
        File.WriteAllBytes(path, [.. "#!markdown\n"u8, 0xFF]);
        Assert.Contains("not UTF-8", Assert.Throws<NotebookException>(() => Notebook.Load(path)).Message);
    }

    [Fact]
    public void A_folder_is_not_called_missing()
    {
        using TemporaryFolder folder = new();
        Assert.Equal($"{folder.Path}(1): this is a folder; a lesson is a file, such as my.dib.",
            Assert.Throws<NotebookException>(() => Notebook.Load(folder.Path)).Message);
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Equal("nowhere.dib(1): there is no such file.",
            Assert.Throws<NotebookException>(() => Notebook.Load("nowhere.dib")).Message);
}
