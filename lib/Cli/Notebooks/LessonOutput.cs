using Microsoft.DotNet.Interactive.Events;
using Microsoft.DotNet.Interactive.Formatting;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>Turns the kernel's events into the lesson's events. Safe to use from several threads.</summary>
internal sealed class LessonOutput(Action<LessonEvent> write)
{
    /// <summary>How many characters of a cell's console output are kept; further ones are only counted.</summary>
    internal const int ConsoleLimit = 100_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _ids = [];
    private int _cell, _nextId, _printed;
    private long _surplus;

    internal void Begin(int cell)
    {
        lock (_lock)
        {
            (_cell, _printed, _surplus) = (cell, 0, 0);
            write(new LessonEvent.Started(cell));
        }
    }

    internal void Take(KernelEvent happened)
    {
        switch (happened)
        {
            case StandardOutputValueProduced printed:
                Print(OutputSource.Printed, printed);
                break;
            case StandardErrorValueProduced printed:
                Print(OutputSource.Error, printed);
                break;
            case ReturnValueProduced result:
                Show(OutputSource.Result, result, result.ValueId);
                break;
            case DisplayedValueProduced shown:
                Show(OutputSource.Shown, shown, shown.ValueId);
                break;
            case DisplayedValueUpdated update:
                Show(OutputSource.Shown, update, update.ValueId);
                break;
        }
    }

    internal void End(double seconds, CellFailure? failure)
    {
        lock (_lock)
        {
            if (_surplus > 0)
                write(new LessonEvent.Printed(_cell, OutputSource.Printed, $"\n… {_surplus} more characters were printed."));
            write(new LessonEvent.Finished(_cell, seconds, failure));
        }
    }

    /// <summary>Shows a value; it replaces an earlier one with the same id.</summary>
    private void Show(OutputSource source, DisplayEvent shown, string? valueId)
    {
        string text = Form(shown, PlainTextFormatter.MimeType) ?? shown.Value.ToDisplayString(PlainTextFormatter.MimeType);
        string? html = Form(shown, HtmlFormatter.MimeType);
        // This is only the kernel's HTML frame around plain text; pages and terminals show the text itself.
        if (html?.StartsWith("<div class=\"dni-plaintext\">", StringComparison.Ordinal) is true)
            html = null;
        lock (_lock)
        {
            if (valueId is null || !_ids.TryGetValue(valueId, out int id))
                id = ++_nextId;
            if (valueId is not null)
                _ids[valueId] = id;
            write(new LessonEvent.Shown(_cell, new CellOutput(id, text, html, source)));
        }
    }

    private static string? Form(DisplayEvent shown, string mimeType) =>
        shown.FormattedValues.FirstOrDefault(form => form.MimeType == mimeType)?.Value;

    private void Print(OutputSource source, DisplayEvent printed)
    {
        string text = string.Concat(printed.FormattedValues.Select(form => form.Value));
        lock (_lock)
        {
            int room = Math.Min(text.Length, ConsoleLimit - _printed);
            _printed += room;
            if (room > 0)
                write(new LessonEvent.Printed(_cell, source, text[..room]));
            if (room == text.Length)
                return;
            // Until the cell ends, output is only counted; then the kernel restores the console.
            Drop(text.Length - room);
            Console.SetOut(new SurplusText(Drop));
            Console.SetError(Console.Out);
        }
    }

    private void Drop(int characters)
    {
        lock (_lock)
            _surplus += characters;
    }
}
