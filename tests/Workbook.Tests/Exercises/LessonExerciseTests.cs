using System.Reflection;
using ClipNotebooks.Workbook.Exercises;

namespace ClipNotebooks.Workbook.Tests.Exercises;

public sealed class LessonExerciseTests
{
    /// <summary>The classes of lib/Workbook/Exercises that hold a lesson's exercises: those with a Progress.</summary>
    private static readonly Type[] Lessons = [.. typeof(ExerciseProgress).Assembly.GetExportedTypes()
        .Where(type => ProgressOf(type) is not null).OrderBy(type => ProgressOf(type)!.Lesson, StringComparer.Ordinal)];

    private static readonly Dictionary<string, IReadOnlyList<(string Name, Func<ExerciseResult> Check, string? Hint)>> Attempts =
        Lessons.SelectMany(Exercises).Select(exercise =>
            ((string, IReadOnlyList<(string, Func<ExerciseResult>, string?)>))Of((dynamic)exercise)).ToDictionary();

    public static TheoryData<string> Titles => [.. Attempts.Keys];

    public static TheoryData<string, string> TypicalMistakes =>
        [.. Attempts.SelectMany(e => e.Value.Where(a => a.Hint is not null).Select(a => (e.Key, a.Name)))];

    [Fact]
    public void A_lesson_s_progress_counts_all_its_exercises_three_or_more() => Assert.All(Lessons, type =>
    {
        Assert.Equal(Exercises(type).Select(exercise => exercise.Title).Order(),
            ProgressOf(type)!.Exercises.Select(exercise => exercise.Title).Order());
        Assert.True(ProgressOf(type)!.Exercises.Count >= 3, type.Name);
    });

    [Theory, MemberData(nameof(Titles))]
    public void Its_reference_passes_its_own_check(string title) =>
        Assert.Equal(ExerciseStatus.Done, Attempts[title].Single(a => a.Hint is null).Check().Status);

    [Theory, MemberData(nameof(TypicalMistakes))]
    public void A_typical_mistake_fails_with_its_own_hint(string title, string name)
    {
        var (_, check, hint) = Attempts[title].Single(a => a.Name == name);
        var result = check();
        Assert.Equal(ExerciseStatus.Wrong, result.Status);
        Assert.Equal(hint, result.Hint);
    }

    [Theory, MemberData(nameof(Titles))]
    public void Hints_tell_the_mistakes_apart(string title) =>
        Assert.True(Attempts[title].Count >= 4 && Attempts[title].DistinctBy(a => a.Hint).Count() == Attempts[title].Count);

    private static ExerciseProgress? ProgressOf(Type type) =>
        type.GetProperty("Progress", typeof(ExerciseProgress))?.GetValue(null) as ExerciseProgress;

    private static IEnumerable<Exercise> Exercises(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Static).Select(property => property.GetValue(null)).OfType<Exercise>();

    private static (string, IReadOnlyList<(string, Func<ExerciseResult>, string?)>) Of<T>(Exercise<T> exercise) where T : Delegate =>
        (exercise.Title, [("reference", () => exercise.Check(exercise.Reference), null),
            .. exercise.Mistakes.Select(m => (m.Name, (Func<ExerciseResult>)(() => exercise.Check(m.Attempt)), (string?)m.Hint))]);

    private static (string, IReadOnlyList<(string, Func<ExerciseResult>, string?)>) Of(PromptExercise exercise) =>
        (exercise.Title, [("reference", () => exercise.Check(exercise.Reference), null),
            .. exercise.Mistakes.Select(m => (m.Name, (Func<ExerciseResult>)(() => exercise.Check(m.Attempt)), (string?)m.Hint))]);
}
