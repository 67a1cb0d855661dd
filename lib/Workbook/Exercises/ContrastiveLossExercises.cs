using ClipNotebooks.Clip.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 04: the loss, its gradient, a bug to find, and the sigmoid loss.</summary>
public static class ContrastiveLossExercises
{
    /// <summary>A row of logits, (B), and the index of its own caption → the row's cross-entropy, a scalar.</summary>
    public static Exercise<Func<Tensor, int, Tensor>> RowLoss { get; } = new()
    {
        Title = "The loss of one row",
        Reference = (row, target) => functional.cross_entropy(row.unsqueeze(0), tensor(new[] { (long)target })),
        Cases =
        [
            new("the document's first row, (4), target 0", f => f(tensor(new[] { 3.2f, 0.5f, 0.2f, 0.8f }), 0)),
            new("its third row, (4), target 2", f => f(tensor(new[] { 0.1f, 0.7f, 3.5f, 0.3f }), 2)),
            new("a row of large logits, (3), target 1", f => f(tensor(new[] { 100f, 98f, 20f }), 1)),
        ],
        Mistakes =
        [
            new("the probability", (row, target) => row.softmax(0)[target], "That is the probability of the right caption. The loss is its negative logarithm."),
            new("sign", (row, target) => row.log_softmax(0)[target], "A minus is missing: the logarithm of a probability is never positive, and a loss falls towards 0."),
            new("always the first", (row, target) => -row.log_softmax(0)[0], "You took column 0 of every row; the right caption stands at target."),
            new("overflow", (row, target) => -(row.exp()[target] / row.exp().sum()).log(), "Right on paper, but exp(100) is infinite in float32. log_softmax takes the largest value off first."),
        ],
    };

    /// <summary>Logits per image, (B, B) → the symmetric loss, a scalar.</summary>
    public static Exercise<Func<Tensor, Tensor>> SymmetricLoss { get; } = new()
    {
        Title = "The symmetric loss",
        Reference = ContrastiveLoss.FromLogits,
        Cases =
        [
            new("random logits of 5 pairs, (5, 5)", f => f(3 * Inputs.Normal(21, 5, 5))),
            new("random logits of 2 pairs, (2, 2)", f => f(3 * Inputs.Normal(22, 2, 2))),
        ],
        Mistakes =
        [
            new("rows only", logits => Rows(logits), "You asked each image for its caption, but no caption for its image: add the same loss of the transposed matrix."),
            new("columns only", logits => Rows(logits.t()), "You asked each caption for its image, but no image for its caption: add the same loss of the rows."),
            new("sum", logits => Rows(logits) + Rows(logits.t()), "Twice too large: the two directions are averaged, not added."),
            new("everything but the negatives", logits => -logits.diag().mean(), "You rewarded the pairs but compared them with nothing: a model would make all logits large. The softmax's denominator holds the negatives."),
        ],
    };

    /// <summary>Logits per image, (B, B) → the gradient of the symmetric loss with respect to them, (B, B).</summary>
    public static Exercise<Func<Tensor, Tensor>> Gradient { get; } = new()
    {
        Title = "The gradient of the loss, by hand",
        Reference = logits =>
        {
            using var _ = enable_grad();
            var leaf = logits.detach().requires_grad_();
            return autograd.grad([ContrastiveLoss.FromLogits(leaf)], [leaf])[0];
        },
        Cases =
        [
            new("random logits of 4 pairs, (4, 4)", f => f(2 * Inputs.Normal(23, 4, 4))),
            new("random logits of 7 pairs, (7, 7)", f => f(2 * Inputs.Normal(24, 7, 7))),
        ],
        Tolerance = 1e-5,
        Mistakes =
        [
            new("rows only", z => (z.softmax(1) - eye(z.shape[0])) / z.shape[0], "That is the gradient of the image-to-text half. The columns have a softmax too; average the two."),
            new("targets forgotten", z => (z.softmax(1) + z.softmax(0)) / (2 * z.shape[0]), "Everything is pushed down, the pairs as well: subtract the targets, 1 on the diagonal, from each softmax."),
            new("not averaged", z => (z.softmax(1) + z.softmax(0) - (2 * eye(z.shape[0]))) / 2, "Too large by a factor of B: the loss is a mean over the B rows and the B columns."),
            new("sign", z => ((2 * eye(z.shape[0])) - z.softmax(1) - z.softmax(0)) / (2 * z.shape[0]), "The sign is turned: that is the direction in which to step, minus the gradient."),
        ],
    };

    /// <summary>
    /// Embeddings, (B, E) each, rows of length 1, and the parameter ln(1 / τ) → the loss. The check looks at the loss and at the gradient that reaches the parameter.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, Tensor, Tensor>> LearnedScale { get; } = new()
    {
        Title = "Mend the document's training step",
        Reference = ContrastiveLoss.WithLogitScale,
        Cases =
        [
            new("4 pairs, (4, 8) and (4, 8), loss and gradient of the parameter at ln(1 / 0.07)", f => LossAndGradient(f, Inputs.Unit(25, 4, 8), Inputs.Unit(26, 4, 8), 2.6593f)),
            new("6 pairs, (6, 8) and (6, 8), loss and gradient of the parameter at 1", f => LossAndGradient(f, Inputs.Unit(27, 6, 8), Inputs.Unit(28, 6, 8), 1f)),
        ],
        Mistakes =
        [
            new("the document's own", (image, text, logScale) => ContrastiveLoss.WithTemperature(image, text, logScale.exp().ToDouble()),
                "Both bugs are still there: exp(logScale) is a factor and you divide by it, and turning it into a number cuts its gradient."),
            new("scale as a temperature", (image, text, logScale) => ContrastiveLoss.FromLogits(image.mm(text.t()) / logScale.exp()),
                "The gradient flows now, but exp(logScale) is 1 / τ, a factor, and you divide by it: the logits are about 200 times too small."),
            new("gradient cut", (image, text, logScale) => ContrastiveLoss.FromLogits(logScale.exp().ToSingle() * image.mm(text.t())),
                "The loss is right, but no gradient reaches the parameter: a number does not remember where it came from. Keep the scale a tensor."),
            new("no exponential", (image, text, logScale) => ContrastiveLoss.FromLogits(logScale * image.mm(text.t())),
                "The parameter is ln(1 / τ), not 1 / τ: take its exponential."),
        ],
    };

    /// <summary>Logits z = t · cos + b, (B, B) → the sigmoid loss, a scalar: the sum over all pairs divided by B (Zhai et al. 2023, equation 1).</summary>
    public static Exercise<Func<Tensor, Tensor>> Sigmoid { get; } = new()
    {
        Title = "The sigmoid loss",
        Reference = SigmoidLoss.FromLogits,
        Cases =
        [
            new("logits of 4 pairs, (4, 4)", f => f((3 * Inputs.Normal(29, 4, 4)) - 2)),
            new("logits of 3 pairs, (3, 3), up to 200", f => f(100 * Inputs.Normal(30, 3, 3))),
        ],
        Mistakes =
        [
            new("pairs only", z => -functional.logsigmoid(z.diag()).sum() / z.shape[0], "You summed over the pairs only. The other B · (B − 1) entries are negatives, each asked to be below 0."),
            new("labels all +1", z => -functional.logsigmoid(z).sum() / z.shape[0], "You call every entry a pair: off the diagonal the label is −1."),
            new("mean over all", z => -functional.logsigmoid(z * ((2 * eye(z.shape[0])) - 1)).mean(), "Too small by a factor of B: the sum over all B² entries is divided by B, the number of images, not by B²."),
            new("labels 0 and 1", z => -functional.logsigmoid(z * eye(z.shape[0])).sum() / z.shape[0], "With 0 as the label of a negative its logit is lost: every negative then costs ln 2. The labels are +1 and −1."),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("04-contrastive-loss", [RowLoss, SymmetricLoss, Gradient, LearnedScale, Sigmoid]);

    private static Tensor Rows(Tensor logits) => functional.cross_entropy(logits, arange(logits.shape[0]));

    private static double[] LossAndGradient(Func<Tensor, Tensor, Tensor, Tensor> attempt, Tensor image, Tensor text, float value)
    {
        using var _ = enable_grad();
        using var logScale = new Parameter(tensor(value));
        var loss = attempt(image, text, logScale);
        if (loss.requires_grad) loss.backward();
        return [loss.ToDouble(), logScale.grad is { } gradient ? gradient.ToDouble() : 0];
    }
}
