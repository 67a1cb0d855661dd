using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Cli.Commands;

/// <summary>Class names as the command line takes them: <c>a,b,c</c>, or <c>@file</c> with one on each line.</summary>
internal static class LabelList
{
    /// <exception cref="UserError">The list is empty, or a name is empty or repeated, or there is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not UTF-8.</exception>
    internal static IReadOnlyList<string> Parse(string value)
    {
        string? file = value.StartsWith('@') ? value[1..] : null;
        // In a file, empty lines and comments are skipped; between two commas, an empty name is an error.
        var names = file is null ? value.Split(',').Select(name => name.Trim()).ToList()
            : GivenFile.Read("--labels", file, "one label a line", TextFile.ReadLines).Select(line => line.Trim())
                .Where(line => line.Length > 0 && line[0] != '#').ToList();
        string where = file is null ? "--labels" : file;
        if (names.Count == 0 || names.All(name => name.Length == 0)) throw new UserError(
            $"{where} holds no label: {(file is null ? "names with commas between them, such as cat,dog, are" : "one a line is")} read.",
            ExitCode.Usage);
        if (names.IndexOf("") is >= 0 and var at) throw new UserError(
            $"{where}: label {at + 1} of {names.Count} is empty. Remove a comma.", ExitCode.Usage);
        if (names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } repeated)
            throw new UserError($"{where}: the label \"{repeated.Key}\" is there {repeated.Count()} times.", ExitCode.Usage);
        return names;
    }
}
