using System.Text.Json;
using System.Text.Json.Serialization;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>Something a cell showed: Text for a terminal, Html for a page where there is one. Id is unique in the lesson, 0 for what was
/// printed; a later output with the same Id takes the place of the earlier.</summary>
internal sealed record CellOutput(int Id, string Text, string? Html, OutputSource Source = OutputSource.Shown);

/// <summary>Why a cell failed: Line is the lesson file's line, 0 where none is known.</summary>
internal sealed record CellFailure(int Cell, int Line, string Message);

/// <summary>One line of a lesson's event file: the child appends, the parent reads. The last Started without a Finished is the
/// cell in which a process died.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event")]
[JsonDerivedType(typeof(Started), "started")]
[JsonDerivedType(typeof(Shown), "shown")]
[JsonDerivedType(typeof(Printed), "printed")]
[JsonDerivedType(typeof(Finished), "finished")]
[JsonDerivedType(typeof(Completed), "completed")]
internal abstract record LessonEvent
{
    internal sealed record Started(int Cell) : LessonEvent;

    internal sealed record Shown(int Cell, CellOutput Output) : LessonEvent;

    /// <summary>More text of the console.</summary>
    internal sealed record Printed(int Cell, OutputSource Source, string Text) : LessonEvent;

    internal sealed record Finished(int Cell, double Seconds, CellFailure? Failure) : LessonEvent;

    /// <summary>
    /// The lesson's end; LiveTensors are those still alive once its own variables are gone, null where it used none of TorchSharp.
    /// </summary>
    internal sealed record Completed(long? LiveTensors) : LessonEvent;

    internal string ToLine() => JsonSerializer.Serialize(this);

    internal static LessonEvent FromLine(string line) => JsonSerializer.Deserialize<LessonEvent>(line)!;
}
