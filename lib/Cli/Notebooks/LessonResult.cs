namespace ClipNotebooks.Cli.Notebooks;

/// <summary>
/// What one code cell showed, how long it took (seconds) and whether it failed. A cell that was not reached has Seconds null.
/// </summary>
internal sealed record CellResult(NotebookCell Cell, IReadOnlyList<CellOutput> Outputs, double? Seconds, CellFailure? Failure);

/// <summary>
/// An executed lesson. Notebook is null if the file could not be read; Failures then says why. LiveTensors is the number of tensors that
/// the libraries kept after the lesson's variables were gone; null if TorchSharp was not used, or the process died.
/// </summary>
internal sealed record LessonResult(string Path, Notebook? Notebook, IReadOnlyList<CellResult> Cells, IReadOnlyList<CellFailure> Failures,
    double Seconds, long? LiveTensors = null)
{
    internal Edition Edition => Edition.Of(Path);

    internal string FileName => System.IO.Path.GetFileNameWithoutExtension(Path);

    /// <summary>The file's name, after the language's code if that is not English: 03-text-encoder, ko/03-text-encoder.</summary>
    internal string Name => LessonRunner.NameOf(Path);

    /// <summary>One failure as `file(line): cell N: message`, cell and line left out where unknown.</summary>
    internal string Report(CellFailure failure) =>
        Path + (failure.Line > 0 ? $"({failure.Line})" : "") + (failure.Cell > 0 ? $": cell {failure.Cell}" : "") + ": " + failure.Message;
}
