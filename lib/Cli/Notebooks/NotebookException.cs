namespace ClipNotebooks.Cli.Notebooks;

/// <summary>A lesson's file is not one that every engine runs alike; Cell is 0 where no cell is meant.</summary>
internal sealed class NotebookException(string path, int cell, int line, string problem)
    : Exception(cell == 0 ? $"{path}({line}): {problem}" : $"{path}({line}): cell {cell}: {problem}")
{
    internal int Cell { get; } = cell;
    internal int Line { get; } = line;
    internal string Problem { get; } = problem;
}
