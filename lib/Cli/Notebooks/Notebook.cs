using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>A .dib lesson: a meta header (JSON, optional) and cells. A line that is exactly `#!csharp` or `#!markdown` begins a
/// cell; there is no escaping. Strict: what VS Code, Jupyter and this runner would read differently is an error.</summary>
internal sealed partial record Notebook(string Path, string? Meta, IReadOnlyList<NotebookCell> Cells)
{
    internal string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    internal IEnumerable<NotebookCell> CodeCells => Cells.Where(cell => cell.IsCode);

    /// <summary>The first Markdown heading, else the file's name.</summary>
    internal string Title => Cells.Where(cell => !cell.IsCode).SelectMany(cell => cell.Source.Split('\n'))
        .FirstOrDefault(line => line.StartsWith("# ", StringComparison.Ordinal))?[2..].Trim() ?? Name;

    /// <exception cref="NotebookException">The file is missing, has a BOM, is not UTF-8, or holds what the engines read differently.</exception>
    internal static Notebook Load(string path)
    {
        if (!File.Exists(path))
            throw new NotebookException(path, 0, 1, "there is no such file.");
        byte[] bytes = File.ReadAllBytes(path);
        if (bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble))
            throw new NotebookException(path, 0, 1, "the file begins with a byte-order mark, which hides the first cell from the editors: save it as UTF-8 without BOM.");
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
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        List<NotebookCell> cells = [];
        string? meta = null;
        for (int i = 0; i < lines.Length;)
        {
            string line = lines[i];
            int end = i + 1;
            while (end < lines.Length && !lines[end].StartsWith("#!", StringComparison.Ordinal))
                end++;
            switch (line)
            {
                case "#!meta" when cells.Count == 0 && meta is null:
                    meta = string.Join('\n', lines[(i + 1)..end]).Trim();
                    CheckMeta(path, meta, i + 1);
                    break;
                case "#!csharp" or "#!markdown":
                    var cell = Cell(cells.Count + 1, line[2..], lines, i + 1, end);
                    if (cell.IsCode)
                        CheckDirectives(path, cell);
                    cells.Add(cell);
                    break;
                default:
                    if (line.StartsWith("#!", StringComparison.Ordinal))
                        throw new NotebookException(path, cells.Count, i + 1, Magic(line));
                    if (line.Trim().Length > 0)
                        throw new NotebookException(path, 0, i + 1, "text before the first cell: a lesson begins with #!meta, #!markdown or #!csharp.");
                    end = i + 1;
                    break;
            }
            i = end;
        }
        return cells.Count > 0 ? new Notebook(path, meta, cells)
            : throw new NotebookException(path, 0, 1, "the file has no cell: a line #!csharp or #!markdown begins one.");
    }

    private static NotebookCell Cell(int number, string language, string[] lines, int first, int end)
    {
        while (first < end && lines[first].Trim().Length == 0)
            first++;
        while (end > first && lines[end - 1].Trim().Length == 0)
            end--;
        return new NotebookCell(number, language, string.Join('\n', lines[first..end]), first + 1);
    }

    private static string Magic(string line) => line switch
    {
        "#!meta" => "a second meta header: there is one, at the top of the file.",
        _ when line.TrimEnd() != line => $"the delimiter \"{line}\" has spaces at its end, so the editors do not see it: remove them.",
        _ => $"the magic command {line.Split(' ')[0]} is not run here: lessons use C# and Markdown cells alone. (A line that begins with #! ends a cell even inside a string.)",
    };

    private static void CheckMeta(string path, string meta, int line)
    {
        try
        {
            JsonDocument.Parse(meta).Dispose();
        }
        catch (JsonException problem)
        {
            throw new NotebookException(path, 0, line + 1 + (int)(problem.LineNumber ?? 0), "the meta header is not JSON: " + problem.Message);
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
