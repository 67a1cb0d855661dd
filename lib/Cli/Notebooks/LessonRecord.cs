using System.Text;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>The state of a lesson as its events tell it.</summary>
/// <param name="notebook">The lesson.</param>
/// <param name="cellStarted">Called with the cell that begins, its place among the code cells (from 1) and their count.</param>
internal sealed class LessonRecord(Notebook notebook, Action<NotebookCell, int, int>? cellStarted)
{
    /// <summary>The outputs of each cell, with a text builder where more may be printed to one.</summary>
    private readonly Dictionary<int, List<(CellOutput Output, StringBuilder? Text)>> _outputs = [];
    private readonly Dictionary<int, (double Seconds, CellFailure? Failure)> _ends = [];
    private int _running;
    private long? _liveTensors;

    internal bool IsComplete { get; private set; }

    internal void Add(LessonEvent happened)
    {
        switch (happened)
        {
            case LessonEvent.Started started:
                _running = started.Cell;
                _outputs[started.Cell] = [];
                NotebookCell[] code = [.. notebook.CodeCells];
                int at = Array.FindIndex(code, cell => cell.Number == started.Cell);
                cellStarted?.Invoke(code[at], at + 1, code.Length);
                break;
            case LessonEvent.Shown shown:
                Place(shown);
                break;
            case LessonEvent.Printed printed:
                Print(printed);
                break;
            case LessonEvent.Finished finished:
                _ends[finished.Cell] = (finished.Seconds, finished.Failure);
                _running = 0;
                break;
            case LessonEvent.Completed completed:
                IsComplete = true;
                _liveTensors = completed.LiveTensors;
                break;
        }
    }

    private void Place(LessonEvent.Shown shown)
    {
        foreach (var earlier in _outputs.Values)
            if (earlier.FindIndex(one => one.Output.Id == shown.Output.Id) is >= 0 and var i)
            {
                earlier[i] = (shown.Output, null);
                return;
            }
        _outputs[shown.Cell].Add((shown.Output, null));
    }

    /// <summary>Adds printed text. Text that directly follows text of the same stream becomes part of the same output.</summary>
    private void Print(LessonEvent.Printed printed)
    {
        var list = _outputs[printed.Cell];
        if (list is not [.., (var last, { } text)] || last.Source != printed.Source)
            list.Add((new CellOutput(0, "", null, printed.Source), text = new StringBuilder()));
        text.Append(printed.Text);
    }

    internal LessonResult Result(string path, string? ended, double seconds)
    {
        NotebookCell? victim = notebook.Cells.FirstOrDefault(cell => cell.Number == _running);
        CellFailure? death = ended is null ? null : new(_running, victim?.Line ?? 0, ended);
        CellResult[] cells = [.. notebook.CodeCells.Select(cell =>
        {
            bool ran = _ends.TryGetValue(cell.Number, out var end);
            CellFailure? failure = cell.Number == _running ? death : end.Failure;
            var outputs = _outputs.GetValueOrDefault(cell.Number) ?? [];
            var whole = outputs.Select(one => one.Text is { } text ? one.Output with { Text = text.ToString() } : one.Output);
            return new CellResult(cell, [.. whole], ran ? end.Seconds : null, failure);
        })];
        List<CellFailure> failures = [.. cells.Select(cell => cell.Failure).OfType<CellFailure>()];
        if (death is not null && !failures.Contains(death))
            failures.Add(death);
        return new(path, notebook, cells, failures, seconds, _liveTensors);
    }
}
