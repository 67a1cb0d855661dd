namespace ClipNotebooks.Cli.Notebooks;

/// <summary>
/// A lesson's file cannot be read, or not every engine would run it alike. Cell is 0 if the problem is in no particular cell.
/// </summary>
internal sealed class NotebookException(string path, int cell, int line, string problem)
    : Exception(cell == 0 ? $"{path}({line}): {problem}" : $"{path}({line}): cell {cell}: {problem}")
{
    internal int Cell { get; } = cell;
    internal int Line { get; } = line;
    internal string Problem { get; } = problem;
}
