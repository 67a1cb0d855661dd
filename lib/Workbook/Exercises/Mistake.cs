namespace ClipNotebooks.Workbook.Exercises;

/// <summary>A typical wrong answer. A reader whose function gives the same results on every input is shown its hint.</summary>
/// <typeparam name="TAttempt">The signature of the reader's function.</typeparam>
/// <param name="Name">The mistake in a few words.</param>
/// <param name="Attempt">The wrong function itself.</param>
/// <param name="Hint">What to say to whoever wrote it.</param>
public sealed record Mistake<TAttempt>(string Name, TAttempt Attempt, string Hint) where TAttempt : Delegate;
