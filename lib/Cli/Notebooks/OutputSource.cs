namespace ClipNotebooks.Cli.Notebooks;

/// <summary>How a cell produced an output.</summary>
internal enum OutputSource
{
    /// <summary>Written to the console.</summary>
    Printed,

    /// <summary>Written to the console's error stream.</summary>
    Error,

    /// <summary>Displayed while the cell ran.</summary>
    Shown,

    /// <summary>The value of the cell's last expression.</summary>
    Result,
}
