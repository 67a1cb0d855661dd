namespace ClipNotebooks.Cli.Notebooks;

/// <summary>One cell. Number counts every cell of the file from 1; Line is the file's line (from 1) where Source begins.</summary>
internal sealed record NotebookCell(int Number, string Language, string Source, int Line)
{
    internal bool IsCode => Language == "csharp";
}
