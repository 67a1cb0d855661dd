namespace ClipNotebooks.Cli.Notebooks.Export;

/// <summary>What `clipbook export` writes: a lesson as one of the first two, a model as the last.</summary>
internal enum ExportFormat
{
    /// <summary>A Jupyter notebook.</summary>
    Ipynb,

    /// <summary>A C# program of one file.</summary>
    Cs,

    /// <summary>A model's graphs, for ONNX Runtime and transformers.js.</summary>
    Onnx,
}
