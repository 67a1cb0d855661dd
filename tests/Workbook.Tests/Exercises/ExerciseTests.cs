using ClipNotebooks.Workbook.Exercises;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Tests.Exercises;

public sealed class ExerciseTests
{
    private static readonly Exercise<Func<Tensor, Tensor>> Double = new()
    {
        Title = "Twice the tensor",
        Reference = x => 2 * x,
        Cases =
        [
            new("a matrix (2, 2)", f => f(arange(4, float32).reshape(2, 2))),
            new("a matrix (3, 3)", f => f(arange(9, float32).reshape(3, 3))),
        ],
        Mistakes = [new("square", x => x * x, "That is the square.")],
    };

    [Fact]
    public void An_unfilled_stub_is_not_yet_attempted() =>
        Assert.Equal("○ Twice the tensor: not yet attempted.", Double.Check(_ => Exercise.NotYet<Tensor>()).ToText());

    [Fact]
    public void A_function_that_could_end_the_process_is_not_run()
    {
        static Tensor Product(Tensor x) => x.matmul(ones(7, 7));   // the shapes do not fit: running it would end the tests
        Assert.Equal("your function calls matmul and was not run", Double.Check(x => x.matmul(ones(7, 7))).Finding);
        Assert.Equal(ExerciseStatus.Wrong, Double.Check(x => Product(x)).Status);
        Assert.Contains("mm", Double.Check(Product).Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_right_answer_is_done() => Assert.Equal("✓ Twice the tensor: right on all 2 inputs.", Double.Check(x => x + x).ToText());

    [Fact]
    public void A_typical_mistake_is_told_its_hint()
    {
        var result = Double.Check(x => x.pow(2));
        Assert.Equal(ExerciseStatus.Wrong, result.Status);
        Assert.Equal("That is the square.", result.Hint);
    }

    [Fact]
    public void A_wrong_shape_is_told_by_both_shapes() =>
        Assert.Equal("for a matrix (2, 2), the answer has the shape (2, 2); yours has (4)", Double.Check(x => (2 * x).flatten()).Finding);

    [Fact]
    public void A_wrong_value_is_told_by_its_place() =>
        Assert.Equal("for a matrix (2, 2), the answer is 6 at [1, 1]; yours is 5 (1 of 4 values differ)",
            Double.Check(x => (2 * x).clamp(max: 5)).Finding);

    [Fact]
    public void A_constant_factor_is_recognised() =>
        Assert.EndsWith("yours is 1.5 times the answer everywhere)", Double.Check(x => 3 * x).Finding, StringComparison.Ordinal);

    [Fact]
    public void A_constant_offset_is_recognised() =>
        Assert.EndsWith("yours is off by 1 everywhere)", Double.Check(x => (2 * x) + 1).Finding, StringComparison.Ordinal);

    [Fact]
    public void A_transpose_is_recognised() =>
        Assert.EndsWith("yours is the transpose)", Double.Check(x => 2 * x.t()).Finding, StringComparison.Ordinal);

    [Fact]
    public void A_value_that_is_no_number_is_told() =>
        Assert.Equal("for a matrix (2, 2), yours holds NaN where the answer is a number", Double.Check(x => x * float.NaN).Finding);

    [Fact]
    public void A_shape_error_of_libtorch_is_a_finding_and_not_an_exception()
    {
        var result = Double.Check(x => x.mm(ones(7, 7)));
        Assert.Equal(ExerciseStatus.Wrong, result.Status);
        Assert.Contains("(2x2 and 7x7)", result.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void An_exception_of_the_reader_is_a_finding() =>
        Assert.Equal("for a matrix (2, 2), your function stopped: no idea (FormatException)",
            Double.Check(_ => throw new FormatException("no idea")).Finding);

    [Fact]
    public void A_finite_answer_is_not_taken_for_an_infinite_one()
    {
        var masked = new Exercise<Func<double, double>> { Title = "Masked", Reference = _ => double.NegativeInfinity,
            Cases = [new("1", f => f(1))], Mistakes = [] };
        Assert.Equal(ExerciseStatus.Wrong, masked.Check(_ => 0).Status);
        Assert.Equal(ExerciseStatus.Wrong, masked.Check(_ => double.PositiveInfinity).Status);
        Assert.Equal(ExerciseStatus.Done, masked.Check(_ => double.NegativeInfinity).Status);
    }

    [Fact]
    public void Null_is_a_finding() => Assert.Equal("for a matrix (2, 2), your function returned null", Double.Check(_ => null!).Finding);

    [Fact]
    public void A_wrong_word_is_told_with_the_right_one()
    {
        var exercise = new Exercise<Func<string, string>> { Title = "Upper case", Reference = word => word.ToUpperInvariant(),
            Cases = [new("a name", f => f("ln_1"))], Mistakes = [] };
        Assert.Equal(ExerciseStatus.Done, exercise.Check(_ => "LN_1").Status);
        Assert.Equal("for a name, the answer is \"LN_1\"; yours is \"ln_1\"", exercise.Check(word => word).Finding);
    }

    [Fact]
    public void A_check_leaves_no_tensor_behind()
    {
        Double.Check(x => x + x);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Double.Check(x => x * x);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Progress_counts_what_is_done()
    {
        var first = new Exercise<Func<double, double>> { Title = "One", Reference = x => x, Cases = [new("1", f => f(1))], Mistakes = [] };
        var second = new Exercise<Func<double, double>> { Title = "Two", Reference = x => x, Cases = [new("1", f => f(1))], Mistakes = [] };
        var progress = new ExerciseProgress("a lesson", [first, second]);
        first.Check(x => x);
        Assert.Equal(["Exercises of a lesson: 1 of 2 done", "✓ One", "○ Two"], progress.ToText().Split(Environment.NewLine));
    }

    [Fact]
    public void An_answer_that_does_not_end_is_stopped_and_the_next_check_runs()
    {
        Exercise<Func<Tensor, Tensor>> brief = new() { Title = "Twice", Reference = x => 2 * x, Cases = Double.Cases, Mistakes = [],
            Limit = TimeSpan.FromSeconds(0.2) };
        static Tensor Forever(Tensor x)
        {
            while (x.shape.Length > 0) x = x + 1;
            return x;
        }
        Assert.Equal("for a matrix (2, 2), your function does not end: it had not returned after 0.2 seconds and was stopped; is there a " +
            "loop whose condition never becomes false?",
            brief.Check(Forever).Finding);
        Assert.Equal(ExerciseStatus.Done, brief.Check(x => x + x).Status);
    }

    [Fact]
    public void An_answer_of_another_type_is_told_so()
    {
        Assert.Equal("for a matrix (2, 2), the answer's type is float32; yours is float64", Double.Check(x => (2 * x).to(float64)).Finding);
        Assert.Equal("for a matrix (2, 2), the answer's type is float32; yours is int64", Double.Check(x => (2 * x).to(int64)).Finding);
    }
}
