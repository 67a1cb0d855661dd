namespace ClipNotebooks.Workbook.Exercises;

/// <summary>What a check found, to be shown: in a page, in an editor, or as text.</summary>
/// <param name="Title">The exercise.</param>
/// <param name="Status">How far the reader is.</param>
/// <param name="Finding">What was found, in words of shapes and values.</param>
/// <param name="Hint">What to think of, where the answer is a typical mistake.</param>
public sealed record ExerciseResult(string Title, ExerciseStatus Status, string Finding, string? Hint)
{
    internal static ExerciseResult NotYet(string title) => new(title, ExerciseStatus.NotYetAttempted, "not yet attempted", null);

    internal string Mark => Status switch { ExerciseStatus.Done => "✓", ExerciseStatus.Wrong => "✗", _ => "○" };

    /// <summary>One line, and a second one for the hint.</summary>
    public string ToText() => $"{Mark} {Title}: {Finding}." + (Hint is null ? "" : $"{Environment.NewLine}  Hint: {Hint}");

    /// <inheritdoc/>
    public override string ToString() => ToText();
}
