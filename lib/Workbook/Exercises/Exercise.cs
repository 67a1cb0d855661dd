using System.Diagnostics.CodeAnalysis;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>
/// A function for the reader to write. The lesson holds a stub that returns <see cref="NotYet{T}"/>, and a line that checks it; the check
/// compares with the library on several inputs. Nothing that the reader's function throws leaves the check.
/// </summary>
public abstract class Exercise
{
    /// <summary>What is asked for, in a few words.</summary>
    public required string Title { get; init; }

    /// <summary>The result of the last check; "not yet attempted" before the first.</summary>
    public ExerciseResult Last { get => field ?? ExerciseResult.NotYet(Title); private protected set; }

    /// <summary>What an unfilled stub returns: <c>return Exercise.NotYet&lt;Tensor&gt;();</c>.</summary>
    /// <typeparam name="T">The type that the stub is to return.</typeparam>
    /// <exception cref="NotYetAttemptedException">Always; a check reports it as "not yet attempted".</exception>
    [DoesNotReturn]
    public static T NotYet<T>() => throw new NotYetAttemptedException();
}
