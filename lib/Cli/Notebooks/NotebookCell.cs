namespace ClipNotebooks.Cli.Notebooks;

/// <summary>One cell. Number counts every cell of the file from 1; Line is the file's line (from 1) where Source begins.</summary>
internal sealed record NotebookCell(int Number, string Language, string Source, int Line)
{
    internal bool IsCode => Language == "csharp";

    /// <summary>Lines from the first to the last that is not blank.</summary>
    internal int LineCount => Source.Length == 0 ? 0 : Source.Split('\n').Length;
}
