using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>What a check found, to be shown: in a page, in an editor, or as text.</summary>
/// <param name="Title">The exercise.</param>
/// <param name="Status">How far the reader is.</param>
/// <param name="Finding">What was found, in words of shapes and values.</param>
/// <param name="Hint">What to think of, where the answer is a typical mistake.</param>
[TypeFormatterSource(typeof(ViewFormatterSource))]
public sealed record ExerciseResult(string Title, ExerciseStatus Status, string Finding, string? Hint) : IView
{
    internal static ExerciseResult NotYet(string title) =>
        new(title, ExerciseStatus.NotYetAttempted, Lesson.In("not yet attempted", "아직 풀지 않았습니다"), null);

    internal string Mark => Status switch { ExerciseStatus.Done => "✓", ExerciseStatus.Wrong => "✗", _ => "○" };

    internal string Color => Status switch { ExerciseStatus.Done => "#3a9d6e", ExerciseStatus.Wrong => "#d1495b", _ => "#8a8f98" };

    /// <summary>One line, and a second one for the hint.</summary>
    public string ToText() => $"{Mark} {Title}: {Finding}." + (Hint is null ? "" : $"{Environment.NewLine}  {HintLabel}: {Hint}");

    private static string HintLabel => Lesson.In("Hint", "힌트");

    /// <inheritdoc/>
    public string ToHtml() => $"<div style=\"border-left:4px solid {Color};padding:0.4em 0.8em;margin:0.5em 0\"><b>{Mark} " +
        $"{Markup.Escape(Title)}</b>: {Markup.Escape(Finding)}."
        + (Hint is null ? "" : $"<br><b>{HintLabel}</b> {Markup.Escape(Hint)}") + "</div>";

    /// <inheritdoc/>
    public override string ToString() => ToText();
}
