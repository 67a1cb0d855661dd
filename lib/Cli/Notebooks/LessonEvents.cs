using System.Text.Json;
using System.Text.Json.Serialization;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>
/// Something a cell showed: Text for a terminal, Html for a page, if there is any. Id is unique in the lesson, 0 for what was printed; a
/// later output with the same Id replaces the earlier one.
/// </summary>
internal sealed record CellOutput(int Id, string Text, string? Html, OutputSource Source = OutputSource.Shown);

/// <summary>Why a cell failed. Line is the line in the lesson's file, 0 if it is not known.</summary>
internal sealed record CellFailure(int Cell, int Line, string Message);

/// <summary>
/// One line of a lesson's event file, to which the child process appends and from which the parent reads. If the process died, it died in
/// the cell of the last Started, which has no Finished.
/// </summary>
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

    /// <summary>The cell wrote more text to the console.</summary>
    internal sealed record Printed(int Cell, OutputSource Source, string Text) : LessonEvent;

    internal sealed record Finished(int Cell, double Seconds, CellFailure? Failure) : LessonEvent;

    /// <summary>
    /// The lesson has ended. LiveTensors is the number of tensors still alive after the lesson's variables are gone; null if it did not use
    /// TorchSharp.
    /// </summary>
    internal sealed record Completed(long? LiveTensors) : LessonEvent;

    internal string ToLine() => JsonSerializer.Serialize(this);

    internal static LessonEvent FromLine(string line) => JsonSerializer.Deserialize<LessonEvent>(line)!;
}
