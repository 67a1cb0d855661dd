using System.Text.RegularExpressions;
using Microsoft.DotNet.Interactive.Documents;
using Microsoft.DotNet.Interactive.Documents.Jupyter;

namespace ClipNotebooks.Cli.Notebooks.Export;

/// <summary>
/// Writes a lesson as a Jupyter notebook for the .NET (C#) kernel, nbformat 4.5 (https://nbformat.readthedocs.io), with the engine's own
/// document classes. The prose is the lesson's; paths are changed to start from the notebook's folder.
/// </summary>
internal static partial class JupyterNotebook
{
    /// <param name="notebook">The lesson.</param>
    /// <param name="folder">Where the notebook will lie.</param>
    /// <param name="result">The lesson's run, whose outputs are included; null for no outputs.</param>
    /// <param name="absolute">
    /// Whether to reference the library by its absolute path, for engines that do not start from the notebook's folder.
    /// </param>
    internal static string Write(Notebook notebook, string folder, LessonResult? result, bool absolute = false)
    {
        string from = Path.GetDirectoryName(Path.GetFullPath(notebook.Path))!;
        InteractiveDocument document = [];
        foreach (NotebookCell cell in notebook.Cells)
        {
            string source = cell.IsCode ? LessonLinks.MoveReferences(cell.Source, from, absolute ? null : folder)
                : LessonLinks.MoveLinks(cell.Source, from, folder);
            // The id is the cell's anchor in the book; it stays the same as long as the cells before it do.
            InteractiveDocumentElement element = new(source, cell.Language) { Id = $"cell-{cell.Number}" };
            CellResult? ran = result?.Cells.FirstOrDefault(at => at.Cell.Number == cell.Number);
            if (ran is { Seconds: not null } or { Failure: not null })
            {
                element.ExecutionOrder = result!.Cells.TakeWhile(at => at != ran).Count() + 1;
                element.Outputs.AddRange(ran.Outputs.Select(output => Output(output, element.ExecutionOrder)));
                if (ran.Failure is { } failure)
                    element.Outputs.Add(Error(failure));
            }
            document.Add(element);
        }
        return document.ToJupyterJson("csharp").Replace("\r\n", "\n", StringComparison.Ordinal) + "\n";
    }

    private static InteractiveDocumentOutputElement Output(CellOutput output, int order)
    {
        if (output.Source is OutputSource.Printed or OutputSource.Error)
            return new TextElement(output.Text.TrimEnd() + "\n", output.Source == OutputSource.Printed ? "stdout" : "stderr");
        Dictionary<string, object> data = [];
        if (output.Html is not null)
            data["text/html"] = OutputMarkup.Still(output.Html).ReplaceLineEndings("\n");
        data["text/plain"] = output.Text.TrimEnd().ReplaceLineEndings("\n");
        if (output.Source == OutputSource.Shown)
            return new DisplayElement(data);
        ReturnValueElement value = new() { ExecutionOrder = order };
        foreach (var (form, text) in data)
            value.Data[form] = text;
        return value;
    }

    private static ErrorElement Error(CellFailure failure)
    {
        string[] lines = failure.Message.Split('\n');
        return new(lines[0], ExceptionName().Match(lines[0]) is { Success: true } named ? named.Value : "Error", lines);
    }

    [GeneratedRegex(@"^[A-Za-z_][\w.]*(?=:)")]
    private static partial Regex ExceptionName();
}
