namespace ClipNotebooks.Workbook.Exercises;

/// <summary>How far a reader is with an exercise.</summary>
public enum ExerciseStatus
{
    /// <summary>The stub is as the lesson left it.</summary>
    NotYetAttempted,

    /// <summary>The last answer differed from the library's on at least one input.</summary>
    Wrong,

    /// <summary>The last answer agreed with the library on every input.</summary>
    Done,
}
