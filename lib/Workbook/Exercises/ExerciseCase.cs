namespace ClipNotebooks.Workbook.Exercises;

/// <summary>One input on which an answer is compared with the library's.</summary>
/// <typeparam name="TAttempt">The signature of the reader's function.</typeparam>
/// <param name="Input">The input in words, with its shapes: "4 images and 6 captions, (4, 8) and (6, 8)".</param>
/// <param name="Run">
/// Makes the input afresh, calls the function and returns what is compared: a tensor, a number, or an array of numbers.
/// </param>
public sealed record ExerciseCase<TAttempt>(string Input, Func<TAttempt, object?> Run) where TAttempt : Delegate;
