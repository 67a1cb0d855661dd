using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests;

/// <summary>
/// A line of code or prose fits a window: 140 columns (.editorconfig). Rows of tables and addresses are as long as they are, and so are the
/// paragraphs of a lesson.
/// </summary>
public sealed class LineTests
{
    private const int Most = 140;

    private static readonly string[] Endings = [".cs", ".js", ".css", ".md"];

    private static readonly string[] Left = ["bin", "obj", "artifacts", "Reference", "node_modules"];

    [Fact]
    public void No_line_is_longer_than_140_columns()
    {
        string[] roots = ["lib", "tests", "environment", "data", ".github"];
        var files = roots.SelectMany(root => Files(Path.Combine(Lesson.Repository, root)))
            .Append(Path.Combine(Lesson.Repository, "README.md"));
        Assert.Empty(files.SelectMany(file => File.ReadLines(file).Index().Where(line => line.Item.Length > Most && !IsWhole(line.Item))
            .Select(line => $"{Path.GetRelativePath(Lesson.Repository, file)}:{line.Index + 1}: {line.Item.Length}")));
    }

    private static IEnumerable<string> Files(string folder) =>
        Directory.GetFiles(folder).Where(file => Endings.Contains(Path.GetExtension(file)))
            .Concat(Directory.GetDirectories(folder).Where(inner => !Left.Contains(Path.GetFileName(inner))).SelectMany(Files));

    private static bool IsWhole(string line) => line.StartsWith('|') || !line.Trim().Contains(' ');
}
