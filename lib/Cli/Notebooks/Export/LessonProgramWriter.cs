using System.Text;
using ClipNotebooks.Cli.Shell;
using Microsoft.AspNetCore.Html;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;
using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Formatting;

namespace ClipNotebooks.Cli.Notebooks.Export;

/// <summary>
/// A lesson as one C# file that `dotnet run` takes: its cells as top-level statements, its prose as comments, its types at the end.
/// </summary>
internal static class LessonProgramWriter
{
    private const int Width = 110;

    /// <param name="notebook">The lesson.</param>
    /// <param name="folder">Where the program will lie.</param>
    /// <param name="repository">The repository's folder, which holds lib and environment.</param>
    /// <exception cref="UserError">A cell does not compile: the library is not built, or the lesson has an error.</exception>
    internal static string Write(Notebook notebook, string folder, string repository)
    {
        string from = Path.GetDirectoryName(Path.GetFullPath(notebook.Path))!;
        var models = Compiled(notebook);
        ProgramNames names = new(models);
        NotebookCell[] code = [.. notebook.CodeCells];
        ProgramCell[] cells = [.. models.Select((model, i) => Cell(notebook, code[i], model, names))];
        string targets = Path.Combine(repository, "environment", "build", "Lesson.targets");
        StringBuilder file = new StringBuilder().Append($"""
            #:project {LessonLinks.Move(Path.Combine(repository, "lib", "Workbook", "Workbook.csproj"), ".", folder)}
            #:property PublishAot=false
            #:property UseCurrentRuntimeIdentifier=true
            #:property DirectoryBuildTargetsPath=$(MSBuildProjectDirectory)/{LessonLinks.Move(targets, ".", folder)}

            // Written by `clipbook export --to cs` from {LessonLinks.Move(notebook.Path, ".", folder)}: change that one and export again.
            #pragma warning disable

            """).Append('\n');
        foreach (string line in Usings(cells))
            file.Append(line).Append('\n');
        file.Append($"\nLessonProgram.Begin({SymbolDisplay.FormatLiteral(LessonLinks.Move(from, ".", folder), quote: true)});\n");
        int next = 0;
        foreach (NotebookCell cell in notebook.Cells)
            if (!cell.IsCode)
                file.Append('\n').Append(Comment(cell.Source));
            else
                file.Append($"\nLessonProgram.Cell({cell.Number});\n").Append(cells[next++].Statements).Append('\n');
        foreach (string type in cells.SelectMany(cell => cell.Types))
            file.Append('\n').Append(type).Append('\n');
        return file.ToString();
    }

    /// <summary>The namespaces that a cell can use without a `using`, as in the kernel.</summary>
    private static readonly string[] Imports =
        ["System", "System.Text", "System.Collections", "System.Collections.Generic", "System.Threading.Tasks", "System.Linq"];

    /// <summary>The base library and the engine's helpers; a cell sees nothing of clipbook's own.</summary>
    private static readonly Lazy<MetadataReference[]> References = new(() =>
    {
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        var trusted = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var engine = new[] { typeof(Kernel), typeof(Formatter), typeof(IHtmlContent) }.Select(type => type.Assembly.Location);
        return [.. trusted.Where(path => Path.GetDirectoryName(path) == runtime).Concat(engine)
            .Select(path => MetadataReference.CreateFromFile(path))];
    });

    /// <summary>The semantic model of each code cell, in order.</summary>
    private static List<SemanticModel> Compiled(Notebook notebook)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(notebook.Path))!;
        ScriptOptions options = ScriptOptions.Default.WithReferences(References.Value).WithImports([.. Imports, typeof(Kernel).FullName!])
            .WithMetadataResolver(ScriptMetadataResolver.Default.WithBaseDirectory(folder)).WithLanguageVersion(LanguageVersion.CSharp14);
        List<SemanticModel> models = [];
        Script<object>? script = null;
        foreach (NotebookCell cell in notebook.CodeCells)
        {
            script = script is null ? CSharpScript.Create(cell.Source, options) : script.ContinueWith(cell.Source, options);
            Compilation compilation = script.GetCompilation();
            if (compilation.GetDiagnostics().FirstOrDefault(d => d.Severity == DiagnosticSeverity.Error) is { } error)
                throw new UserError($"{notebook.Path}({cell.Line + error.Location.GetLineSpan().StartLinePosition.Line}): "
                    + $"cell {cell.Number} does not compile: {error.Id} {error.GetMessage()}{Failures.Advice([error])}");
            models.Add(compilation.GetSemanticModel(compilation.SyntaxTrees.Single()));
        }
        return models;
    }

    private static ProgramCell Cell(Notebook notebook, NotebookCell cell, SemanticModel model, ProgramNames names)
    {
        try
        {
            return new(model, names);
        }
        catch (NotSupportedException problem)
        {
            throw new UserError($"{notebook.Path}({cell.Line}): cell {cell.Number}: {problem.Message}");
        }
    }

    private static IEnumerable<string> Usings(IEnumerable<ProgramCell> cells) => Imports.Select(name => $"using {name};")
        .Concat(cells.SelectMany(cell => cell.Usings)).Append("using ClipNotebooks.Workbook;")
        .Append("using ClipNotebooks.Workbook.Programs;").Append("using static ClipNotebooks.Workbook.Programs.LessonProgram;")
        .Distinct().OrderBy(line => line.Contains('=', StringComparison.Ordinal) ? 2
            : line.StartsWith("using static ", StringComparison.Ordinal) ? 1 : 0);

    /// <summary>Prose as comments: long lines are wrapped at spaces, and code in it stays as it is.</summary>
    private static string Comment(string prose)
    {
        StringBuilder text = new();
        bool code = false;
        foreach (string line in prose.Split('\n'))
        {
            code ^= line.StartsWith("```", StringComparison.Ordinal);
            string rest = line;
            while (!code && rest.Length > Width && !rest.StartsWith('|') && rest.LastIndexOf(' ', Width) is > 0 and var at)
            {
                text.Append("// ").Append(rest.AsSpan(0, at).TrimEnd()).Append('\n');
                rest = rest[(at + 1)..];
            }
            text.Append(("// " + rest).TrimEnd()).Append('\n');
        }
        return text.ToString();
    }
}
