using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Cli.Notebooks.Export;

/// <summary>A lesson as a Jupyter notebook, nbformat 4.5 (https://nbformat.readthedocs.io), for the .NET (C#) kernel. The prose is the lesson's; paths are seen from the notebook's folder.</summary>
internal static partial class JupyterNotebook
{
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, IndentSize = 1, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="notebook">The lesson.</param>
    /// <param name="folder">Where the notebook will lie.</param>
    /// <param name="result">The lesson's run, for its outputs; null for none.</param>
    /// <param name="absolute">The library by its absolute path, for engines that do not look from the notebook's folder.</param>
    internal static string Write(Notebook notebook, string folder, LessonResult? result, bool absolute = false)
    {
        string from = Path.GetDirectoryName(Path.GetFullPath(notebook.Path))!;
        var cells = notebook.Cells.Select(cell => (JsonNode)(cell.IsCode
            ? Code(cell, LessonLinks.MoveReferences(cell.Source, from, absolute ? null : folder), result)
            : Cell("markdown", cell, LessonLinks.MoveLinks(cell.Source, from, folder))));
        JsonObject document = new()
        {
            ["cells"] = new JsonArray([.. cells]),
            ["metadata"] = new JsonObject
            {
                ["kernelspec"] = new JsonObject { ["display_name"] = ".NET (C#)", ["language"] = "C#", ["name"] = ".net-csharp" },
                ["language_info"] = new JsonObject { ["file_extension"] = ".cs", ["mimetype"] = "text/x-csharp", ["name"] = "C#", ["pygments_lexer"] = "csharp" },
            },
            ["nbformat"] = 4,
            ["nbformat_minor"] = 5,
        };
        return document.ToJsonString(Layout) + "\n";
    }

    /// <summary>The id is the cell's anchor in the book: it stays while cells before it do.</summary>
    private static JsonObject Cell(string type, NotebookCell cell, string source) => new()
    {
        ["cell_type"] = type,
        ["id"] = $"cell-{cell.Number}",
        ["metadata"] = new JsonObject(),
        ["source"] = Lines(source),
    };

    private static JsonObject Code(NotebookCell cell, string source, LessonResult? result)
    {
        JsonObject code = Cell("code", cell, source);
        // What the .NET extension of VS Code asks a cell's language by.
        code["metadata"] = new JsonObject { ["dotnet_interactive"] = new JsonObject { ["language"] = "csharp" }, ["polyglot_notebook"] = new JsonObject { ["kernelName"] = "csharp" } };
        CellResult? ran = result?.Cells.FirstOrDefault(at => at.Cell.Number == cell.Number && (at.Seconds is not null || at.Failure is not null));
        code["execution_count"] = ran is null ? null : result!.Cells.TakeWhile(at => at != ran).Count() + 1;
        IEnumerable<JsonNode> outputs = ran is null ? [] : [.. ran.Outputs.Select(Output), .. ran.Failure is { } failure ? [Error(failure)] : Array.Empty<JsonNode>()];
        code["outputs"] = new JsonArray([.. outputs]);
        return code;
    }

    private static JsonNode Output(CellOutput output) => output.Html is null
        ? new JsonObject { ["name"] = "stdout", ["output_type"] = "stream", ["text"] = Lines(output.Text.TrimEnd() + "\n") }
        : new JsonObject
        {
            ["data"] = new JsonObject { ["text/html"] = Lines(OutputMarkup.Still(output.Html)), ["text/plain"] = Lines(output.Text.TrimEnd()) },
            ["metadata"] = new JsonObject(),
            ["output_type"] = "display_data",
        };

    private static JsonObject Error(CellFailure failure) => new JsonObject
    {
        ["ename"] = ExceptionName().Match(failure.Message) is { Success: true } named ? named.Value : "Error",
        ["evalue"] = failure.Message.Split('\n')[0],
        ["output_type"] = "error",
        ["traceback"] = new JsonArray([.. failure.Message.Split('\n').Select(line => (JsonNode)line)]),
    };

    /// <summary>nbformat's multi-line string: lines that keep their line feed.</summary>
    private static JsonArray Lines(string text)
    {
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        return new JsonArray([.. lines.Select((line, i) => i < lines.Length - 1 ? line + "\n" : line).Where(line => line.Length > 0).Select(line => (JsonNode)line)]);
    }

    [GeneratedRegex(@"^[A-Za-z_][\w.]*(?=:)")]
    private static partial Regex ExceptionName();
}
