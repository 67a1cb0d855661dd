using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>An exercise whose answer has a given signature. Checks are independent of one another and leave no tensor behind.</summary>
/// <typeparam name="TAttempt">The signature of the reader's function.</typeparam>
public sealed class Exercise<TAttempt> : Exercise where TAttempt : Delegate
{
    /// <summary>A right answer, by the library wherever the library has one.</summary>
    public required TAttempt Reference { get; init; }

    /// <summary>The inputs on which an answer is compared with <see cref="Reference"/>.</summary>
    public required IReadOnlyList<ExerciseCase<TAttempt>> Cases { get; init; }

    /// <summary>Typical wrong answers, each with its own hint.</summary>
    public required IReadOnlyList<Mistake<TAttempt>> Mistakes { get; init; }

    /// <summary>
    /// The largest difference that counts as equal, relative to values above 1; by default what float32 sums of a few hundred terms can
    /// differ by.
    /// </summary>
    public double Tolerance { get; init; } = 1e-4;

    /// <summary>How long the reader's function may take for one input before it is stopped.</summary>
    internal TimeSpan Limit { get; init; } = TimeLimit.Default;

    /// <summary>Runs the reader's function on every input and says in words how it differs from the library.</summary>
    /// <param name="attempt">The reader's function; whatever it throws becomes part of the result.</param>
    public ExerciseResult Check(TAttempt attempt)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        using var scope = NewDisposeScope();
        return Last = Judge(attempt);
    }

    private ExerciseResult Judge(TAttempt attempt)
    {
        if (Abort.CouldComeFrom(attempt.Method))
            return new ExerciseResult(Title, ExerciseStatus.Wrong,
                Lesson.In("your function calls matmul and was not run", "함수가 matmul을 부르므로 실행하지 않았습니다"),
                Lesson.In(
                    "On wrong shapes matmul ends the whole process, and nobody could tell you why: write products as mm, or as bmm for a "
                    + "batch of matrices; both report wrong shapes.",
                    "모양이 맞지 않으면 matmul은 프로세스 전체를 끝내 버려서 까닭을 알려 줄 수 없습니다. 곱은 mm으로, 행렬 여러 개의 곱은 "
                    + "bmm으로 쓰십시오. 둘은 모양이 틀리면 알려 줍니다."));
        var given = Answers(attempt);
        if (given.Any(answer => answer.IsNotYet)) return ExerciseResult.NotYet(Title);

        var expected = Answers(Reference);
        int wrong = Enumerable.Range(0, Cases.Count).FirstOrDefault(i => !given[i].Agrees(expected[i], Tolerance), -1);
        if (wrong < 0)
            return new ExerciseResult(
                Title, ExerciseStatus.Done, Lesson.In($"right on all {Cases.Count} inputs", $"입력 {Cases.Count}개에서 모두 맞았습니다"), null);

        var mistake = Mistakes.FirstOrDefault(m => Answers(m.Attempt).Zip(given).All(pair => pair.First.Agrees(pair.Second, Tolerance)));
        var (input, difference) = (Cases[wrong].Input, given[wrong].DifferenceFrom(expected[wrong], Tolerance));
        string finding = Lesson.In($"for {input}, {difference}", $"입력 '{input}': {difference}");
        return new ExerciseResult(Title, ExerciseStatus.Wrong, finding, mistake?.Hint);
    }

    private List<Answer> Answers(TAttempt attempt) => [.. Cases.Select(c => Answer.Of(() => c.Run(attempt), Limit))];
}
