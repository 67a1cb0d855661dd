using ClipNotebooks.Clip.Evaluation;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Evaluation;

public sealed class LinearProbeTests
{
    [Fact]
    public void Two_mirrored_points_get_the_weights_that_the_stationarity_condition_gives()
    {
        // With weights -w/2 and w/2 the mean loss is ln(1 + e^-w) + λ w² / 8, stationary where 1 / (1 + e^w) = λ w / 4: at w = 2 for λ = 2
        // / (1 + e²).
        using var scope = NewDisposeScope();
        var probe = LinearProbe.Fit(tensor(new float[,] { { -1 }, { 1 } }), [0, 1], 2, 2 / (1 + Math.Exp(2)), tolerance: 1e-12);
        Assert.Equal([-1, 1], probe.Weight().data<double>().ToArray(), Within(1e-10));
        Assert.Equal([0, 0], probe.Bias().data<double>().ToArray(), Within(1e-10));
        Assert.Equal(Math.Log(1 + Math.Exp(-2)) + (2 / (1 + Math.Exp(2)) * 4 / 8), probe.Loss, 1e-12);
        Assert.True(probe.HasConverged);
    }

    [Fact]
    public void Under_an_overwhelming_penalty_only_the_classes_frequencies_are_left()
    {
        using var scope = NewDisposeScope();
        var probe = LinearProbe.Fit(randn(7, 3, generator: new Generator(1)), [0, 0, 0, 0, 1, 1, 2], 3, 1e9, tolerance: 1e-10);
        double[] bias = probe.Bias().data<double>().ToArray();
        Assert.Equal(Math.Log(4.0 / 2), bias[0] - bias[1], 1e-6);   // features weigh about 1e-9 of their gradient
        Assert.Equal(Math.Log(4.0 / 1), bias[0] - bias[2], 1e-6);
        Assert.True(probe.Weight().abs().max().ToDouble() < 1e-6);
    }

    [Theory, InlineData(1e-3), InlineData(0.1), InlineData(10)]
    public void The_minimum_is_that_of_Newton_s_method(double strength)
    {
        using var scope = NewDisposeScope();
        var (x, labels) = Clusters(5, perClass: 12, classes: 3, width: 4, noise: 1.5);
        var probe = LinearProbe.Fit(x, labels, 3, strength, tolerance: 1e-11);
        var newton = Newton(x.to(float64), labels, 3, strength);                        // (D + 1, C)
        // The penalty fixes the weights; the biases only up to a common amount. 1e-7: the square root of what the loss resolves in double
        // precision.
        Assert.True((probe.Weight() - newton.narrow(0, 0, 4).t()).abs().max().ToDouble() < 1e-7);
        var (bias, other) = (probe.Bias(), newton[4]);
        Assert.True((bias - bias.mean() - other + other.mean()).abs().max().ToDouble() < 1e-7);
    }

    [Fact]
    public void Autograd_finds_no_slope_at_the_minimum()
    {
        using var scope = NewDisposeScope();
        var (x, labels) = Clusters(6, perClass: 10, classes: 4, width: 6, noise: 1);
        var probe = LinearProbe.Fit(x, labels, 4, 0.5, tolerance: 1e-10);
        using var _ = enable_grad();
        Tensor w = probe.Weight().requires_grad_(), b = probe.Bias().requires_grad_();
        var loss = nn.functional.cross_entropy(x.to(float64).mm(w.t()) + b, Long(labels), reduction: nn.Reduction.Sum) +
            (0.25 * (w * w).sum());
        Assert.Equal(probe.Loss * 40, loss.ToDouble(), 1e-9);
        loss.backward();
        Assert.True(w.grad!.abs().max().ToDouble() < 1e-7 && b.grad!.abs().max().ToDouble() < 1e-7);
    }

    [Fact]
    public void The_start_does_not_matter_and_the_same_features_give_the_same_probe()
    {
        using var scope = NewDisposeScope();
        var (x, labels) = Clusters(7, perClass: 10, classes: 3, width: 5, noise: 2);
        var far = LinearProbe.Fit(x, labels, 3, 1e-3);
        var cold = LinearProbe.Fit(x, labels, 3, 1, tolerance: 1e-10);
        var warm = LinearProbe.Fit(x, labels, 3, 1, tolerance: 1e-10, start: far);
        Assert.Equal(cold.Loss, warm.Loss, 1e-12);
        Assert.True((cold.Weight() - warm.Weight()).abs().max().ToDouble() < 1e-7);
        Assert.Equal(cold.Weight().data<double>().ToArray(),
            LinearProbe.Fit(x, labels, 3, 1, tolerance: 1e-10).Weight().data<double>().ToArray());
    }

    [Fact]
    public void Features_a_hundred_times_as_long_with_a_penalty_ten_thousand_times_as_strong_give_the_same_predictions()
    {
        using var scope = NewDisposeScope();
        var (x, labels) = Clusters(8, perClass: 10, classes: 3, width: 5, noise: 2);
        var (test, _) = Clusters(9, perClass: 50, classes: 3, width: 5, noise: 2);
        Assert.Equal(LinearProbe.Fit(x, labels, 3, 1e-4, tolerance: 1e-9).Predict(test),
            LinearProbe.Fit(100 * x, labels, 3, 1, tolerance: 1e-9).Predict(100 * test));
    }

    [Fact]
    public void Separable_features_are_learned_and_new_ones_classified()
    {
        using var scope = NewDisposeScope();
        var (x, labels) = Clusters(10, perClass: 8, classes: 5, width: 16, noise: 0.3);
        var (test, testLabels) = Clusters(10, perClass: 30, classes: 5, width: 16, noise: 0.3);
        var probe = LinearProbe.Fit(x, labels, 5, 1e-2);
        Assert.Equal(1, probe.Score(x, labels));
        Assert.Equal(1, probe.Score(test, testLabels));
        Assert.Equal(1, ClassificationReport.Measure(probe.Scores(test), testLabels).Top1);
    }

    [Fact]
    public void A_class_without_an_example_is_never_predicted()
    {
        using var scope = NewDisposeScope();
        var (x, labels) = Clusters(11, perClass: 8, classes: 3, width: 4, noise: 1);
        Assert.DoesNotContain(3, LinearProbe.Fit(x, labels, 4, 1).Predict(x));
    }

    [Fact]
    public void The_iterations_are_bounded_and_the_probe_says_that_they_were_not_enough()
    {
        using var scope = NewDisposeScope();
        var (x, labels) = Clusters(12, perClass: 8, classes: 3, width: 4, noise: 1);
        var probe = LinearProbe.Fit(x, labels, 3, 1e-6, maxIterations: 2);
        Assert.Equal((2, false), (probe.Iterations, probe.HasConverged));
    }

    [Fact]
    public void The_sweep_begins_with_the_paper_s_seven_strengths_and_ends_among_an_eighth_of_a_decade()
    {
        using var scope = NewDisposeScope();
        var (x, labels) = Clusters(13, perClass: 6, classes: 4, width: 12, noise: 2.5);
        var (validation, validationLabels) = Clusters(13, perClass: 25, classes: 4, width: 12, noise: 2.5);
        var sweep = LinearProbe.Sweep(x, labels, validation, validationLabels, 4);
        double[] eighths = [.. sweep.Trials.Select(trial => 8 * Math.Log10(trial.Strength))];
        Assert.InRange(sweep.Trials.Count, 11, 15);
        Assert.Equal(eighths.Order(), eighths);
        Assert.All(eighths, k => Assert.Equal(Math.Round(k), k, 1e-9));
        Assert.All(Enumerable.Range(-3, 7), e => Assert.Contains(16 * e, eighths.Select(k => (int)Math.Round(k))));
        int best = (int)Math.Round(8 * Math.Log10(sweep.Best.Strength));
        Assert.All(new[] { best - 1, best + 1 }.Where(k => Math.Abs(k) <= 48), k =>
            Assert.Contains(k, eighths.Select(e => (int)Math.Round(e))));
        Assert.Equal(sweep.Trials.Max(trial => trial.Accuracy), sweep.Best.Score(validation, validationLabels));
        // Begun elsewhere, the same minimum: predictions agree with a fit of its own.
        Assert.Equal(LinearProbe.Fit(x, labels, 4, sweep.Best.Strength).Predict(validation), sweep.Best.Predict(validation));
    }

    [Fact]
    public void The_sweep_prefers_the_penalty_that_generalises()
    {
        // Labels that half of the features belie: fitted exactly they mislead, so the weakest penalty is not the best one.
        using var scope = NewDisposeScope();
        var (x, labels) = Clusters(14, perClass: 10, classes: 2, width: 40, noise: 4);
        var (validation, validationLabels) = Clusters(14, perClass: 200, classes: 2, width: 40, noise: 4);
        var sweep = LinearProbe.Sweep(x, labels, validation, validationLabels, 2);
        Assert.True(sweep.Best.Strength > 1e-2);
        Assert.True(sweep.Best.Score(validation, validationLabels) > sweep.Trials[0].Accuracy);
    }

    [Fact]
    public void No_tensor_is_left()
    {
        using var scope = NewDisposeScope();
        var (x, labels) = Clusters(15, perClass: 4, classes: 2, width: 3, noise: 1);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        var probe = LinearProbe.Sweep(x, labels, x, labels, 2).Best;
        _ = probe.Predict(x);
        _ = probe.Score(x, labels);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_both_sides()
    {
        using var scope = NewDisposeScope();
        var x = zeros(2, 3);
        Assert.Contains("(2, 3) for 1 labels", Assert.Throws<ArgumentException>(() => LinearProbe.Fit(x, [0], 2, 1)).Message,
            StringComparison.Ordinal);
        Assert.Contains("Label 1 is 2", Assert.Throws<ArgumentException>(() => LinearProbe.Fit(x, [0, 2], 2, 1)).Message,
            StringComparison.Ordinal);
        Assert.Contains("strength of the penalty is 0", Assert.Throws<ArgumentException>(() => LinearProbe.Fit(x, [0, 1], 2, 0)).Message,
            StringComparison.Ordinal);
        Assert.Contains("not a finite number", Assert.Throws<ArgumentException>(() => LinearProbe.Fit(x / 0, [0, 1], 2, 1)).Message,
            StringComparison.Ordinal);
        Assert.Contains("3 wide, those to validate on 4",
            Assert.Throws<ArgumentException>(() => LinearProbe.Sweep(x, [0, 1], zeros(1, 4), [0], 2)).Message, StringComparison.Ordinal);
        Assert.Contains("this probe takes (N, 3)", Assert.Throws<ArgumentException>(
            () => LinearProbe.Fit(x, [0, 1], 2, 1).Predict(zeros(1, 4))).Message, StringComparison.Ordinal);
    }

    /// <summary>Classes around seeded centres: (classes · perClass, width), one class after another.</summary>
    private static (Tensor Features, int[] Labels) Clusters(ulong seed, int perClass, int classes, int width, double noise)
    {
        using var scope = NewDisposeScope();
        var centres = randn(classes, 1, width, generator: new Generator(seed));
        var points = centres + (noise * randn(classes, perClass, width, generator: new Generator(seed + (ulong)perClass)));
        return (points.reshape(classes * perClass, width).MoveToOuterDisposeScope(),
            [.. Enumerable.Range(0, classes * perClass).Select(i => i / perClass)]);
    }

    /// <summary>
    /// Newton's method on the whole Hessian. The biases' common amount, which the loss does not feel, makes it singular: the pseudo-inverse
    /// leaves it alone.
    /// </summary>
    private static Tensor Newton(Tensor features, int[] labels, int classes, double strength)
    {
        long n = features.shape[0], rows = features.shape[1] + 1;
        var x = cat([features, ones(n, 1, dtype: float64)], 1);
        var target = nn.functional.one_hot(Long(labels), classes).to(float64);
        var penalty = diag(cat([full([rows - 1], strength, dtype: float64), zeros(1, dtype: float64)]));      // (D + 1, D + 1)
        var w = zeros(rows, classes, dtype: float64);
        for (int step = 0; step < 30; step++)
        {
            var p = x.mm(w).softmax(1);
            var gradient = x.t().mm(p - target) + penalty.mm(w);                                              // (D + 1, C)
            var hessian = zeros(rows * classes, rows * classes, dtype: float64);
            for (int i = 0; i < n; i++)
            {
                var curvature = diag(p[i]) - outer(p[i], p[i]);                                               // (C, C)
                hessian += kron(outer(x[i], x[i]), curvature);
            }
            hessian += kron(penalty, eye(classes, dtype: float64));
            w -= linalg.pinv(hessian, hermitian: true, rtol: 1e-12).mv(gradient.reshape(-1)).reshape(rows, classes);
        }
        return w;
    }

    private static Tensor Long(int[] labels) => tensor(labels.Select(label => (long)label).ToArray());

    private static Func<double, double, bool> Within(double tolerance) => (a, b) => Math.Abs(a - b) <= tolerance;
}
