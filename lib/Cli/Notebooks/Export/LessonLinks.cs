using System.Text.RegularExpressions;

namespace ClipNotebooks.Cli.Notebooks.Export;

/// <summary>Keeps a lesson's relative paths right when the lesson is written to another folder.</summary>
internal static partial class LessonLinks
{
    /// <summary>The path of the same file from another folder, with slashes; absolute if the two folders share no root.</summary>
    internal static string Move(string path, string fromFolder, string toFolder) =>
        Path.GetRelativePath(Path.GetFullPath(toFolder), Path.GetFullPath(Path.Combine(fromFolder, path))).Replace('\\', '/');

    /// <summary>A code cell whose #r paths start from another folder; absolute paths if that folder is null.</summary>
    internal static string MoveReferences(string code, string fromFolder, string? toFolder) =>
        Reference().Replace(code, found => found.Groups["before"].Value
        + (toFolder is null ? Path.GetFullPath(Path.Combine(fromFolder, found.Groups["path"].Value)).Replace('\\', '/')
            : Move(found.Groups["path"].Value, fromFolder, toFolder)) + "\"");

    /// <summary>Prose whose relative links outside of code start from another folder; links to the web or within the page stay.</summary>
    internal static string MoveLinks(string prose, string fromFolder, string toFolder) =>
        string.Concat(Code().Split(prose).Select((part, i) => i % 2 == 1 ? part
        : Link().Replace(part, found => Path.Exists(Path.Combine(fromFolder, found.Groups["path"].Value))
            ? "](" + Move(found.Groups["path"].Value, fromFolder, toFolder) : found.Value)));

    [GeneratedRegex("""^(?<before>\s*#r\s+")(?<path>[^"]*)"(?=\s*$)""", RegexOptions.Multiline)]
    private static partial Regex Reference();

    [GeneratedRegex("(```.*?```|`[^`\n]*`)", RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex(@"\]\((?<path>[^)#:\s]+)")]
    private static partial Regex Link();
}
