using System.Globalization;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>What a function gave for one input: numbers in a shape, or words, or the reason why there are none.</summary>
internal sealed record Answer(long[] Shape, double[] Values, string? Failure = null, bool IsNotYet = false, string? Words = null, ScalarType? Type = null)
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
            return new Answer([], [], $"your function does not end: {exception.Message}");
        }
        catch (Exception exception)
        {
            string type = exception is System.Runtime.InteropServices.ExternalException ? "libtorch" : exception.GetType().Name;
            return new Answer([], [], $"your function stopped: {exception.Message.Split('\n')[0].TrimEnd()} ({type})");
        }
    }

    public bool Agrees(Answer other, double tolerance) =>
        Failure == other.Failure && Words == other.Words && Type == other.Type && Shape.AsSpan().SequenceEqual(other.Shape) && Enumerable.Range(0, Values.Length).All(i => Same(i, other, tolerance));

    /// <summary>The difference in words: first of shape, then of values, with the simplest relation that explains it.</summary>
    public string DifferenceFrom(Answer expected, double tolerance)
    {
        if (Failure is not null) return Failure;
        if (expected.Words is not null) return $"the answer is \"{expected.Words}\"; yours is \"{Words}\"";
        if (!Shape.AsSpan().SequenceEqual(expected.Shape)) return $"the answer has the shape {Text(expected.Shape)}; yours has {Text(Shape)}";
        if (Type != expected.Type) return $"the answer's type is {Text(expected.Type)}; yours is {Text(Type)}";
        if (Values.Any(v => !double.IsFinite(v)) && expected.Values.All(double.IsFinite))
            return $"yours holds {Values.First(v => !double.IsFinite(v))} where the answer is a number";

        int[] wrong = [.. Enumerable.Range(0, Values.Length).Where(i => !Same(i, expected, tolerance))];
        int worst = wrong.MaxBy(i => Math.Abs(Values[i] - expected.Values[i]));
        string at = Shape.Length == 0 ? "" : $" at [{string.Join(", ", Position(worst))}]";
        string count = Values.Length == 1 ? "" : $" ({wrong.Length} of {Values.Length} values differ{Relation(expected, tolerance)})";
        return $"the answer is {Number(expected.Values[worst])}{at}; yours is {Number(Values[worst])}{count}";
    }

    private string Relation(Answer expected, double tolerance)
    {
        if (Shape is [var rows, var columns] && rows == columns
            && Enumerable.Range(0, Values.Length).All(i => Close(Values[i], expected.Values[(i % columns * rows) + (i / columns)], tolerance)))
            return ": yours is the transpose";
        int largest = Enumerable.Range(0, Values.Length).MaxBy(i => Math.Abs(expected.Values[i]));
        double factor = Values[largest] / expected.Values[largest], offset = Values[largest] - expected.Values[largest];
        if (double.IsFinite(factor) && Values.Zip(expected.Values).All(v => Close(v.First, factor * v.Second, tolerance)))
            return $": yours is {Number(factor)} times the answer everywhere";
        return Values.Zip(expected.Values).All(v => Close(v.First, v.Second + offset, tolerance)) ? $": yours is off by {Number(offset)} everywhere" : "";
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
        null => new Answer([], [], "your function returned null"),
        string words => new Answer([], [], Words: words),
        Tensor t => new Answer([.. t.shape], t.detach().cpu().to(float64).contiguous().data<double>().ToArray(), Type: t.dtype),
        System.Collections.IEnumerable list => FromList([.. list.Cast<object>().Select(x => Convert.ToDouble(x, CultureInfo.InvariantCulture))]),
        _ => new Answer([], [Convert.ToDouble(value, CultureInfo.InvariantCulture)]),
    };

    private static Answer FromList(double[] values) => new([values.Length], values);

    private static string Text(long[] shape) => shape.Length == 0 ? "() (a single number)" : $"({string.Join(", ", shape)})";

    private static string Text(ScalarType? type) => type is { } some ? some.ToString().ToLowerInvariant() : "no tensor's";

    private static string Number(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
