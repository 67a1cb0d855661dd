using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of a lesson and how far the reader is with each; reads the last results when shown.</summary>
/// <param name="lesson">The lesson's name.</param>
/// <param name="exercises">Its exercises, in the lesson's order.</param>
public sealed class ExerciseProgress(string lesson, IReadOnlyList<Exercise> exercises) : View
{
    /// <summary>The lesson's name.</summary>
    public string Lesson { get; } = lesson;

    /// <summary>The exercises, in the lesson's order.</summary>
    public IReadOnlyList<Exercise> Exercises { get; } = exercises;

    /// <summary>How many are done.</summary>
    public int Done => Exercises.Count(e => e.Last.Status == ExerciseStatus.Done);

    /// <summary>A line for the whole and one for each exercise.</summary>
    public override string ToText() => string.Join(Environment.NewLine, Exercises.Select(e => $"{e.Last.Mark} {e.Title}").Prepend(Heading));

    /// <inheritdoc/>
    public override string ToHtml() => $"<div style=\"margin:0.5em 0\"><b>{Markup.Escape(Heading)}</b><ul " +
        $"style=\"list-style:none;padding-left:0.5em;margin:0.3em 0\">"
        + string.Concat(Exercises.Select(
            e => $"<li><span style=\"color:{e.Last.Color}\">{e.Last.Mark}</span> {Markup.Escape(e.Title)}</li>")) + "</ul></div>";

    private string Heading => Workbook.Lesson.In(
        $"Exercises of {Lesson}: {Done} of {Exercises.Count} done", $"{Lesson} 연습: {Exercises.Count}개 가운데 {Done}개를 풀었습니다");
}
