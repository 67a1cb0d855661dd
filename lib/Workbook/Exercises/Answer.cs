using System.Globalization;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>What a function gave for one input: numbers in a shape, or words, or the reason why there are none.</summary>
internal sealed record Answer(long[] Shape, double[] Values, string? Failure = null, bool IsNotYet = false, string? Words = null,
    ScalarType? Type = null)
{
    public static Answer Of(Func<object?> run, TimeSpan limit)
    {
        try
        {
            return From(TimeLimit.Run(run, limit));
        }
        catch (NotYetAttemptedException)
        {
            return new Answer([], [], IsNotYet: true);
        }
        catch (TimeoutException exception)
        {
            return new Answer([], [], Lesson.In($"your function does not end: {exception.Message}", $"함수가 끝나지 않습니다: {exception.Message}"));
        }
        catch (Exception exception)
        {
            string type = exception is System.Runtime.InteropServices.ExternalException ? "libtorch" : exception.GetType().Name;
            string why = $"{exception.Message.Split('\n')[0].TrimEnd()} ({type})";
            return new Answer([], [], Lesson.In($"your function stopped: {why}", $"함수가 멈췄습니다: {why}"));
        }
    }

    public bool Agrees(Answer other, double tolerance) =>
        Failure == other.Failure && Words == other.Words && Type == other.Type && Shape.AsSpan().SequenceEqual(other.Shape)
            && Enumerable.Range(0, Values.Length).All(i => Same(i, other, tolerance));

    /// <summary>The difference in words: first of shape, then of values, with the simplest relation that explains it.</summary>
    public string DifferenceFrom(Answer expected, double tolerance)
    {
        if (Failure is not null) return Failure;
        if (expected.Words is not null)
            return Lesson.In(
                $"the answer is \"{expected.Words}\"; yours is \"{Words}\"",
                $"정답은 \"{expected.Words}\", 여러분의 답은 \"{Words}\"입니다");
        if (!Shape.AsSpan().SequenceEqual(expected.Shape))
            return Lesson.In(
                $"the answer has the shape {Text(expected.Shape)}; yours has {Text(Shape)}",
                $"모양이 다릅니다. 정답은 {Text(expected.Shape)}, 여러분의 답은 {Text(Shape)}입니다");
        if (Type != expected.Type)
            return Lesson.In(
                $"the answer's type is {Text(expected.Type)}; yours is {Text(Type)}",
                $"자료형이 다릅니다. 정답은 {Text(expected.Type)}, 여러분의 답은 {Text(Type)}입니다");
        if (Values.Any(v => !double.IsFinite(v)) && expected.Values.All(double.IsFinite))
        {
            double odd = Values.First(v => !double.IsFinite(v));
            return Lesson.In($"yours holds {odd} where the answer is a number", $"정답이 수인 곳에 여러분의 답은 {odd}입니다");
        }

        int[] wrong = [.. Enumerable.Range(0, Values.Length).Where(i => !Same(i, expected, tolerance))];
        int worst = wrong.MaxBy(i => Math.Abs(Values[i] - expected.Values[i]));
        string at = $"[{string.Join(", ", Position(worst))}]", relation = Relation(expected, tolerance);
        string count = Values.Length == 1 ? "" : Lesson.In(
            $" ({wrong.Length} of {Values.Length} values differ{relation})", $" (값 {Values.Length}개 가운데 {wrong.Length}개가 다릅니다{relation})");
        var (right, yours) = (Number(expected.Values[worst]), Number(Values[worst]));
        return Lesson.In(
            $"the answer is {right}{(Shape.Length == 0 ? "" : $" at {at}")}; yours is {yours}{count}",
            $"{(Shape.Length == 0 ? "" : $"{at}에서 ")}정답은 {right}, 여러분의 답은 {yours}입니다{count}");
    }

    private string Relation(Answer expected, double tolerance)
    {
        if (Shape is [var rows, var columns] && rows == columns
            && Enumerable.Range(0, Values.Length).All(i =>
                Close(Values[i], expected.Values[(i % columns * rows) + (i / columns)], tolerance)))
            return Lesson.In(": yours is the transpose", ": 여러분의 답은 정답을 전치한 것입니다");
        int largest = Enumerable.Range(0, Values.Length).MaxBy(i => Math.Abs(expected.Values[i]));
        double factor = Values[largest] / expected.Values[largest], offset = Values[largest] - expected.Values[largest];
        if (double.IsFinite(factor) && Values.Zip(expected.Values).All(v => Close(v.First, factor * v.Second, tolerance)))
            return Lesson.In($": yours is {Number(factor)} times the answer everywhere", $": 여러분의 답은 어디서나 정답의 {Number(factor)}배입니다");
        return Values.Zip(expected.Values).All(v => Close(v.First, v.Second + offset, tolerance))
            ? Lesson.In($": yours is off by {Number(offset)} everywhere", $": 여러분의 답은 어디서나 {Number(offset)}만큼 차이가 납니다") : "";
    }

    private bool Same(int i, Answer other, double tolerance) => Close(Values[i], other.Values[i], tolerance);

    private static bool Close(double a, double b, double tolerance) =>
        a.Equals(b) || (double.IsFinite(b) && Math.Abs(a - b) <= tolerance * Math.Max(1, Math.Abs(b)));

    private long[] Position(int index)
    {
        var position = new long[Shape.Length];
        long rest = index;
        for (int d = Shape.Length - 1; d >= 0; d--) (rest, position[d]) = Math.DivRem(rest, Shape[d]);
        return position;
    }

    private static Answer From(object? value) => value switch
    {
        null => new Answer([], [], Lesson.In("your function returned null", "함수가 null을 돌려주었습니다")),
        string words => new Answer([], [], Words: words),
        Tensor t => new Answer([.. t.shape], t.detach().cpu().to(float64).contiguous().data<double>().ToArray(), Type: t.dtype),
        System.Collections.IEnumerable list => FromList(
            [.. list.Cast<object>().Select(x => Convert.ToDouble(x, CultureInfo.InvariantCulture))]),
        _ => new Answer([], [Convert.ToDouble(value, CultureInfo.InvariantCulture)]),
    };

    private static Answer FromList(double[] values) => new([values.Length], values);

    private static string Text(long[] shape) =>
        shape.Length == 0 ? Lesson.In("() (a single number)", "() (수 하나)") : $"({string.Join(", ", shape)})";

    private static string Text(ScalarType? type) =>
        type is { } some ? some.ToString().ToLowerInvariant() : Lesson.In("no tensor's", "텐서가 아닌 것");

    private static string Number(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
