using ClipNotebooks.Clip.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Evaluation;

/// <summary>
/// A linear classifier on frozen features (paper, section 3.2 and appendix A.3): multinomial logistic regression with an L2 penalty,
/// minimised by L-BFGS. The loss, as scikit-learn's <c>LogisticRegression(C: 1 / strength)</c> has it, is the sum of the cross-entropies
/// plus strength / 2 · ‖W‖²; the bias is not penalised. The loss is convex: the starting point does not matter, and the same features give
/// the same probe. Computed in double precision. Immutable, holds no tensor, thread-safe.
/// </summary>
public sealed class LinearProbe
{
    /// <summary>The paper's bound on L-BFGS iterations (appendix A.3).</summary>
    public const int DefaultIterations = 1000;

    /// <summary>
    /// The default tolerance: a fit stops when the gradient's largest entry falls to this share of its largest entry at zero weights.
    /// Predictions hardly change after that.
    /// </summary>
    public const double DefaultTolerance = 1e-4;

    /// <summary>
    /// The paper's grid has eight strengths a decade from 1e-6 to 1e6; index k stands for 10^(k / 8), so the ends are ∓48.
    /// </summary>
    private const int PerDecade = 8, GridEnd = 6 * PerDecade;

    private readonly double[] _parameters;

    private LinearProbe(double[] parameters, int classes, int width, double strength, LinearProbeMinimum minimum)
    {
        _parameters = parameters;
        (Classes, Width, Strength, Loss, Gradient, Iterations, HasConverged) =
            (classes, width, strength, minimum.Value, minimum.Gradient, minimum.Iterations, minimum.HasConverged);
    }

    /// <summary>C, the number of classes.</summary>
    public int Classes { get; }

    /// <summary>D, the width of a feature.</summary>
    public int Width { get; }

    /// <summary>λ, the strength of the penalty; 1 / C of scikit-learn.</summary>
    public double Strength { get; }

    /// <summary>The loss reached, divided by the number of training features: mean cross-entropy plus penalty.</summary>
    public double Loss { get; }

    /// <summary>The largest magnitude in the gradient of <see cref="Loss"/>; 0 at the minimum.</summary>
    public double Gradient { get; }

    /// <summary>The number of L-BFGS iterations done.</summary>
    public int Iterations { get; }

    /// <summary>
    /// Whether the gradient fell below the tolerance before the iterations were used up. Linearly separable features need many iterations
    /// under a weak penalty.
    /// </summary>
    public bool HasConverged { get; }

    /// <summary>Fits a probe at one strength.</summary>
    /// <param name="features">
    /// (N, D), any floating dtype and device, finite. The paper takes them before the projection and does not normalise them.
    /// </param>
    /// <param name="labels">N class numbers.</param>
    /// <param name="classes">C, at least 2; a class without an example is allowed.</param>
    /// <param name="strength">λ, above 0.</param>
    /// <param name="maxIterations">The bound on L-BFGS iterations.</param>
    /// <param name="tolerance">
    /// The fit stops when the gradient's largest entry falls to this share of its largest entry at zero weights.
    /// </param>
    /// <param name="start">A probe to begin from, of the same C and D; zero weights by default. It only saves iterations.</param>
    /// <exception cref="ArgumentException">
    /// The shapes do not fit, a label is not a class, a feature is not finite, or a number is out of its range; the message has the values.
    /// </exception>
    public static LinearProbe Fit(Tensor features, IReadOnlyList<int> labels, int classes, double strength,
        int maxIterations = DefaultIterations, double tolerance = DefaultTolerance, LinearProbe? start = null)
    {
        Require(features, labels, classes);
        if (!(strength > 0 && double.IsFinite(strength))) throw new ArgumentException(
            $"The strength of the penalty is {strength}; it must be above 0.", nameof(strength));
        ArgumentOutOfRangeException.ThrowIfLessThan(maxIterations, 1);
        if (!(tolerance > 0)) throw new ArgumentException($"The tolerance is {tolerance}; it must be above 0.", nameof(tolerance));
        int width = (int)features.shape[1];
        if (start is not null && (start.Classes != classes || start.Width != width))
            throw new ArgumentException($"The probe to start from has {start.Classes} classes of width {start.Width}; this one has " +
                $"{classes} of width {width}.", nameof(start));

        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var objective = new LinearProbeLoss(features, labels, classes, strength);
        double[] parameters = start is null ? new double[objective.Count] : [.. start._parameters];
        var minimum = new LinearProbeSolver(objective.Count, objective.Evaluate)
            .Minimize(parameters, maxIterations, tolerance * objective.GradientAtZero);
        return new LinearProbe(parameters, classes, width, strength, minimum);
    }

    /// <summary>
    /// Searches for the strength as appendix A.3 of the paper does: it tries 10^-6, 10^-4, …, 10^6 on the validation features, then both
    /// neighbours of the best at half the distance, and so on down to steps of an eighth of a decade: at most 15 fits instead of 97 for the
    /// whole grid. The best has the highest accuracy and, among equals, the lowest cross-entropy.
    /// </summary>
    /// <param name="features">(N, D), to fit on.</param>
    /// <param name="labels">N class numbers.</param>
    /// <param name="validationFeatures">(M, D), to choose the strength by: never those of the final test.</param>
    /// <param name="validationLabels">M class numbers.</param>
    /// <param name="classes">C, at least 2.</param>
    /// <param name="maxIterations">The bound on L-BFGS iterations of each fit.</param>
    /// <param name="tolerance">The tolerance of each fit, as in <see cref="Fit"/>.</param>
    /// <exception cref="ArgumentException">As in <see cref="Fit"/>, for either set.</exception>
    public static LinearProbeSweep Sweep(Tensor features, IReadOnlyList<int> labels, Tensor validationFeatures,
        IReadOnlyList<int> validationLabels, int classes,
        int maxIterations = DefaultIterations, double tolerance = DefaultTolerance)
    {
        Require(features, labels, classes);
        Require(validationFeatures, validationLabels, classes);
        if (features.shape[1] != validationFeatures.shape[1])
            throw new ArgumentException($"The features are {features.shape[1]} wide, those to validate on {validationFeatures.shape[1]}.",
                nameof(validationFeatures));

        SortedDictionary<int, (LinearProbe Probe, LinearProbeTrial Trial)> tried = [];
        int best = 0;
        // From the strongest penalty down: each fit starts from the next stronger one, which is near; from zero, weak penalties would take
        // the most iterations.
        for (int step = 2 * PerDecade; step >= 1; step /= 2)
        {
            int[] grid = tried.Count == 0 ? [.. Enumerable.Range(0, (2 * GridEnd / step) + 1).Select(i => GridEnd - (i * step))]
                : [best + step, best - step];
            foreach (int k in grid.Where(k => Math.Abs(k) <= GridEnd && !tried.ContainsKey(k)))
            {
                var start = tried.Where(entry => entry.Key > k).Select(entry => entry.Value.Probe).FirstOrDefault();
                var probe = Fit(features, labels, classes, Math.Pow(10, k / (double)PerDecade), maxIterations, tolerance, start);
                var (accuracy, crossEntropy) = probe.Measure(validationFeatures, validationLabels);
                tried[k] = (probe, new LinearProbeTrial(probe.Strength, accuracy, crossEntropy, probe.Iterations));
            }
            best = tried.OrderByDescending(entry => entry.Value.Trial.Accuracy).ThenBy(entry => entry.Value.Trial.CrossEntropy).First().Key;
        }
        return new LinearProbeSweep(tried[best].Probe, [.. tried.Values.Select(entry => entry.Trial)]);
    }

    /// <summary>(C, D), float64: a row of weights for each class. A copy, the caller's to dispose.</summary>
    public Tensor Weight()
    {
        using var scope = NewDisposeScope();
        return Matrix().narrow(0, 0, Width).t().contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>(C), float64: the bias of each class's score. A copy, the caller's to dispose.</summary>
    public Tensor Bias()
    {
        using var scope = NewDisposeScope();
        return Matrix()[Width].clone().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Features, (N, D) → logits, (N, C), float64, on the CPU; a softmax over a row gives that feature's probabilities. The caller's to
    /// dispose.
    /// </summary>
    /// <exception cref="ArgumentException">The features have another width.</exception>
    public Tensor Scores(Tensor features)
    {
        ArgumentNullException.ThrowIfNull(features);
        if (features.dim() != 2 || features.shape[1] != Width)
            throw new ArgumentException($"The features are ({string.Join(", ", features.shape)}); this probe takes (N, {Width}).",
                nameof(features));
        using var scope = NewDisposeScope();
        var matrix = Matrix();                                                                  // (D + 1, C)
        return features.detach().cpu().to(float64).mm(matrix.narrow(0, 0, Width)).Plus(matrix[Width]).MoveToOuterDisposeScope(); // (N, C)
    }

    /// <summary>Features, (N, D) → N class numbers, each the one with the highest score.</summary>
    /// <exception cref="ArgumentException">The features have another width.</exception>
    public int[] Predict(Tensor features)
    {
        using var scope = NewDisposeScope();
        return [.. Scores(features).argmax(1).data<long>().ToArray().Select(label => (int)label)];
    }

    /// <summary>The share of features whose highest score is their own class's, 0 to 1.</summary>
    /// <param name="features">(N, D), N at least 1.</param>
    /// <param name="labels">N class numbers.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, or a label is not a class.</exception>
    public double Score(Tensor features, IReadOnlyList<int> labels)
    {
        Require(features, labels, Classes);
        return Measure(features, labels).Accuracy;
    }

    private (double Accuracy, double CrossEntropy) Measure(Tensor features, IReadOnlyList<int> labels)
    {
        using var scope = NewDisposeScope();
        var scores = Scores(features);                                                          // (N, C)
        var own = tensor(labels.Select(label => (long)label).ToArray());                        // (N)
        return (scores.argmax(1).eq(own).to(float64).mean().ToDouble(), nn.functional.cross_entropy(scores, own).ToDouble());
    }

    private Tensor Matrix() => tensor(_parameters).reshape(Width + 1, Classes);                 // (D + 1, C), the bias last

    private static void Require(Tensor features, IReadOnlyList<int> labels, int classes)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        if (features.dim() != 2 || features.shape[0] != labels.Count || features.numel() == 0)
            throw new ArgumentException($"The features are ({string.Join(", ", features.shape)}) for {labels.Count} labels; (N, D) with " +
                $"N labels, at least one, is needed.", nameof(features));
        foreach (var (index, label) in labels.Index())
            if (label < 0 || label >= classes)
                throw new ArgumentException($"Label {index} is {label}; the classes are 0 to {classes - 1}.", nameof(labels));
        using var scope = NewDisposeScope();
        if (!features.isfinite().all().ToBoolean()) throw new ArgumentException("A feature is not a finite number.", nameof(features));
    }
}
