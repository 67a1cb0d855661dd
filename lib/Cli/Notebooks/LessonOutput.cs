using System.Text;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>Writes a lesson's events, and takes what its cells print. Safe to use from several threads.</summary>
internal sealed class LessonOutput(Action<LessonEvent> write)
{
    /// <summary>Console output kept of one cell, in characters; the rest is counted.</summary>
    internal const int ConsoleLimit = 100_000;

    private readonly Lock _lock = new();
    private readonly StringBuilder _console = new();
    private int _cell, _nextId, _consoleId;
    private long _dropped;

    internal static LessonOutput? Current { get; set; }

    internal void Begin(int cell)
    {
        lock (_lock)
        {
            _cell = cell;
            write(new LessonEvent.Started(cell));
        }
    }

    internal int Show(object? value, int? id = null)
    {
        (string text, string? html) = ValueFormatter.Format(value);
        lock (_lock)
        {
            EndConsole();
            int at = id ?? ++_nextId;
            write(new LessonEvent.Shown(_cell, new CellOutput(at, text, html)));
            return at;
        }
    }

    internal void Print(ReadOnlySpan<char> text)
    {
        lock (_lock)
        {
            int room = Math.Max(0, Math.Min(text.Length, ConsoleLimit - _console.Length));
            _console.Append(text[..room]);
            _dropped += text.Length - room;
        }
    }

    /// <summary>Makes what was printed so far visible to the parent, at the same place of the page.</summary>
    internal void Flush()
    {
        lock (_lock)
        {
            if (_console.Length == 0)
                return;
            _consoleId = _consoleId == 0 ? ++_nextId : _consoleId;
            string note = _dropped > 0 ? $"\n… {_dropped} more characters were printed." : "";
            write(new LessonEvent.Shown(_cell, new CellOutput(_consoleId, _console + note, null)));
        }
    }

    internal void End(double seconds, CellFailure? failure)
    {
        lock (_lock)
        {
            EndConsole();
            write(new LessonEvent.Finished(_cell, seconds, failure));
        }
    }

    private void EndConsole()
    {
        Flush();
        _console.Clear();
        (_consoleId, _dropped) = (0, 0);
    }
}
