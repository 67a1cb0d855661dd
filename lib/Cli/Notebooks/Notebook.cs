using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.DotNet.Interactive.Documents;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>
/// A .dib lesson: an optional meta header (JSON) and cells, as the engine's parser reads it. A line that is exactly `#!csharp` or
/// `#!markdown` begins a cell; there is no escaping. What the editors and this runner would read differently is an error.
/// </summary>
internal sealed partial record Notebook(string Path, string? Meta, IReadOnlyList<NotebookCell> Cells)
{
    internal string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    internal IEnumerable<NotebookCell> CodeCells => Cells.Where(cell => cell.IsCode);

    /// <summary>The first Markdown heading, else the file's name.</summary>
    internal string Title => Cells.Where(cell => !cell.IsCode).SelectMany(cell => cell.Source.Split('\n'))
        .FirstOrDefault(line => line.StartsWith("# ", StringComparison.Ordinal))?[2..].Trim() ?? Name;

    /// <exception cref="NotebookException">
    /// The file is missing, has a BOM, is not UTF-8, or holds what the engines read differently.
    /// </exception>
    internal static Notebook Load(string path)
    {
        if (!File.Exists(path))
            throw new NotebookException(path, 0, 1, Directory.Exists(path) ? "this is a folder; a lesson is a file, such as my.dib."
                : "there is no such file.");
        if (new FileInfo(path).Length == 0)
            throw new NotebookException(path, 0, 1,
                "the file has no cell: it is empty, or a pipe or a device, which no lesson is read from.");
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new NotebookException(path, 0, 1, $"the file cannot be read: {problem.Message}");
        }
        if (bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble))
            throw new NotebookException(path, 0, 1, "the file begins with a byte-order mark, which hides the first cell from the " +
                "editors: save it as UTF-8 without BOM.");
        try
        {
            return Parse(path, new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes));
        }
        catch (DecoderFallbackException)
        {
            throw new NotebookException(path, 0, 1, "the file is not UTF-8.");
        }
    }

    internal static Notebook Parse(string path, string text)
    {
        string content = text.ReplaceLineEndings("\n");
        var (meta, starts) = Check(path, content.Split('\n'));
        KernelInfoCollection kernels = [new KernelInfo("csharp", "C#")];
        kernels.DefaultKernelName = "csharp";
        var elements = Elements(path, content, kernels);
        var cells = elements.Select((cell, i) => new NotebookCell(i + 1, cell.KernelName!, cell.Contents, starts[i]));
        Notebook notebook = new(path, meta, [.. cells]);
        foreach (NotebookCell cell in notebook.CodeCells)
            CheckDirectives(path, cell);
        return notebook;
    }

    private static IList<InteractiveDocumentElement> Elements(string path, string content, KernelInfoCollection kernels)
    {
        try
        {
            return CodeSubmission.Parse(content, kernels).Elements;
        }
        catch (Exception problem)
            when (problem is JsonException or InvalidOperationException or ArgumentException or NullReferenceException)
        {
            int meta = Array.IndexOf(content.Split('\n'), "#!meta");
            throw new NotebookException(path, 0, meta + 2, "the meta header is not one that the engine reads: " + problem.Message);
        }
    }

    /// <summary>
    /// Refuses what the engine's parser silently accepts, and returns what it does not tell: the lines (from 1) where the cells' texts
    /// begin. A cell without text does not count.
    /// </summary>
    private static (string? Meta, IReadOnlyList<int> Starts) Check(string path, string[] lines)
    {
        List<int> starts = [];
        string? meta = null;
        bool any = false, empty = false;
        for (int i = 0, end; i < lines.Length; i = end)
        {
            end = i + 1;
            while (end < lines.Length && !lines[end].StartsWith("#!", StringComparison.Ordinal))
                end++;
            int first = Array.FindIndex(lines, i + 1, end - i - 1, line => line.Length > 0);
            switch (lines[i])
            {
                case "#!meta" when !any && meta is null:
                    meta = string.Join('\n', lines[(i + 1)..end]).Trim();
                    CheckMeta(path, meta, i + 1);
                    break;
                case "#!csharp" or "#!markdown":
                    (any, empty) = (true, first < 0);
                    if (!empty)
                        starts.Add(first + 1);
                    break;
                case { } line when line.StartsWith("#!", StringComparison.Ordinal):
                    throw new NotebookException(path, starts.Count + (empty ? 1 : 0), i + 1, Magic(line));
                case { } line when string.Concat(lines[i..end]).Trim().Length > 0:
                    int at = line.Trim().Length > 0 ? i : first;
                    throw new NotebookException(path, 0, at + 1,
                        "text before the first cell: a lesson begins with #!meta, #!markdown or #!csharp.");
            }
        }
        return starts.Count > 0 ? (meta, starts)
            : throw new NotebookException(path, 0, 1, "the file has no cell: a line #!csharp or #!markdown begins one.");
    }

    private static string Magic(string line) => line switch
    {
        "#!meta" => "a second meta header: there is one, at the top of the file.",
        _ when line.TrimEnd() != line => $"the delimiter \"{line}\" has spaces at its end, so the editors do not see it: remove them.",
        _ => $"the magic command {line.Split(' ')[0]} is not run here: lessons use C# and Markdown cells alone. (A line that begins with " +
            $"#! ends a cell even inside a string.)",
    };

    private static void CheckMeta(string path, string meta, int line)
    {
        try
        {
            JsonDocument.Parse(meta).Dispose();
        }
        catch (JsonException problem)
        {
            throw new NotebookException(path, 0, line + 1 + (int)(problem.LineNumber ?? 0),
                "the meta header is not JSON: " + problem.Message);
        }
    }

    private static void CheckDirectives(string path, NotebookCell cell)
    {
        string[] lines = cell.Source.Split('\n');
        for (int i = 0; i < lines.Length; i++)
            if (NuGetReference().IsMatch(lines[i]))
                throw new NotebookException(path, cell.Number, cell.Line + i,
                    "#r \"nuget:…\" needs a package feed, and lessons run offline: reference the built library by its path.");
    }

    [GeneratedRegex("""^\s*#[ri]\s+"nuget:""", RegexOptions.IgnoreCase)]
    private static partial Regex NuGetReference();
}
