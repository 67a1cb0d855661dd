namespace ClipNotebooks.Cli.Notebooks.Export;

/// <summary>What a lesson can be written as.</summary>
internal enum ExportFormat
{
    /// <summary>A Jupyter notebook.</summary>
    Ipynb,

    /// <summary>A C# program of one file.</summary>
    Cs,
}
