using ClipNotebooks.Workbook.Exercises;

namespace ClipNotebooks.Workbook.Tests.Exercises;

public sealed class LessonExerciseTests
{
    private static readonly Dictionary<string, IReadOnlyList<(string Name, Func<ExerciseResult> Check, string? Hint)>> Attempts = new[]
    {
        Of(StartHereExercises.CosineSimilarity), Of(StartHereExercises.BestCaption), Of(StartHereExercises.Probabilities),
        Of(ClipArchitectureExercises.Embed), Of(ClipArchitectureExercises.Logits), Of(ClipArchitectureExercises.Temperature), Of(ClipArchitectureExercises.HeadParameters),
        Of(TextEncoderExercises.Merge), Of(TextEncoderExercises.Row), Of(TextEncoderExercises.CausalMask), Of(TextEncoderExercises.Pool),
        Of(ContrastiveLossExercises.RowLoss), Of(ContrastiveLossExercises.SymmetricLoss), Of(ContrastiveLossExercises.Gradient),
        Of(ContrastiveLossExercises.LearnedScale), Of(ContrastiveLossExercises.Sigmoid),
    }.ToDictionary();

    public static TheoryData<string> Titles => [.. Attempts.Keys];

    public static TheoryData<string, string> TypicalMistakes => [.. Attempts.SelectMany(e => e.Value.Where(a => a.Hint is not null).Select(a => (e.Key, a.Name)))];

    [Fact]
    public void Every_exercise_of_every_lesson_is_tested_here() => Assert.Equal(
        new[] { StartHereExercises.Progress, ClipArchitectureExercises.Progress, TextEncoderExercises.Progress, ContrastiveLossExercises.Progress }.SelectMany(p => p.Exercises).Select(e => e.Title),
        Attempts.Keys);

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
    public void Hints_tell_the_mistakes_apart(string title) => Assert.True(Attempts[title].Count >= 4 && Attempts[title].DistinctBy(a => a.Hint).Count() == Attempts[title].Count);

    private static (string, IReadOnlyList<(string, Func<ExerciseResult>, string?)>) Of<T>(Exercise<T> exercise) where T : Delegate =>
        (exercise.Title, [("reference", () => exercise.Check(exercise.Reference), null), .. exercise.Mistakes.Select(m => (m.Name, (Func<ExerciseResult>)(() => exercise.Check(m.Attempt)), (string?)m.Hint))]);
}
