using ClipNotebooks.Clip.Inference;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 09: recall@k, the gradient of a linear probe, the modality gap, and a projection on principal components.</summary>
public static class SummaryExercises
{
    /// <summary>Similarities, (N, N), rows are queries and row i belongs to column i; and k → recall@k, 0 to 1.</summary>
    public static Exercise<Func<Tensor, int, double>> RecallAt { get; } = new()
    {
        Title = "Recall@k",
        Reference = Retrieval.RecallAt,
        Cases =
        [
            new("12 queries, (12, 12), k = 1", f => f(Pairs(91, 12), 1)),
            new("12 queries, (12, 12), k = 3", f => f(Pairs(92, 12), 3)),
            new("20 queries, (20, 20), k = 5", f => f(Pairs(93, 20), 5)),
        ],
        Mistakes =
        [
            new("the other direction", (similarity, k) => Retrieval.RecallAt(similarity.t(), k), "You searched down the columns: a query is a row here, so the k largest are taken along dimension 1."),
            new("one more", (similarity, k) => Retrieval.RecallAt(similarity, k + 1), "You looked at one candidate too many: with the best counted from 0, the own column's place must be below k."),
            new("always the first", (similarity, _) => Retrieval.RecallAt(similarity, 1), "That is recall@1 whatever k is: look at the k largest of the row."),
            new("precision", (similarity, k) => Retrieval.RecallAt(similarity, k) / k, "You divided by k as well: that is precision@k. A query has one right answer, found or not."),
            new("the smallest", (similarity, k) => Retrieval.RecallAt(-similarity, k), "You took the smallest values of the row: similar means large."),
        ],
    };

    /// <summary>Features, (N, D), labels, (N), int64, and weights, (D, C) → the gradient of the mean cross-entropy with respect to the weights, (D, C), without autograd.</summary>
    public static Exercise<Func<Tensor, Tensor, Tensor, Tensor>> ProbeGradient { get; } = new()
    {
        Title = "The gradient of a linear probe",
        Reference = (features, labels, weights) =>
        {
            using var _ = enable_grad();
            var leaf = weights.detach().requires_grad_();
            return autograd.grad([functional.cross_entropy(features.mm(leaf), labels)], [leaf])[0];
        },
        Cases =
        [
            new("5 features of width 4, 3 classes, (5, 4) and (4, 3)", f => f(Inputs.Normal(94, 5, 4), tensor(new long[] { 0, 2, 1, 1, 0 }), Inputs.Normal(95, 4, 3))),
            new("3 features of width 2, 4 classes, (3, 2) and (2, 4)", f => f(Inputs.Normal(96, 3, 2), tensor(new long[] { 3, 0, 2 }), Inputs.Normal(97, 2, 4))),
        ],
        Mistakes =
        [
            new("targets forgotten", (x, y, w) => x.t().mm(x.mm(w).softmax(1)) / x.shape[0], "Every class is pushed away, the right one too: subtract the one-hot targets from the softmax first."),
            new("sum", (x, y, w) => x.t().mm(x.mm(w).softmax(1) - OneHot(y, w)), "Too large by a factor of N: the loss is the mean over the features."),
            new("sign", (x, y, w) => x.t().mm(OneHot(y, w) - x.mm(w).softmax(1)) / x.shape[0], "The sign is turned: that is the step to take, minus the gradient."),
            new("softmax over the features", (x, y, w) => x.t().mm(x.mm(w).softmax(0) - OneHot(y, w)) / x.shape[0], "Your softmax runs down the batch: the classes compete within each row, dimension 1."),
            new("gradient of the logits", (x, y, w) => (x.mm(w).softmax(1) - OneHot(y, w)) / x.shape[0], "That is the gradient with respect to the logits, (N, C). The chain rule goes on: multiply by the features, transposed, from the left."),
            new("transposed", (x, y, w) => (x.mm(w).softmax(1) - OneHot(y, w)).t().mm(x) / x.shape[0], "The gradient has the shape of the weights, (D, C); yours is its transpose."),
        ],
    };

    /// <summary>Embeddings of images, (N, E), and of captions, (M, E), rows of length 1 → the gap vector, from the captions' mean to the images', (E).</summary>
    public static Exercise<Func<Tensor, Tensor, Tensor>> ModalityGap { get; } = new()
    {
        Title = "The modality gap",
        Reference = (images, texts) => images.mean([0]) - texts.mean([0]),
        Cases =
        [
            new("4 images and 6 captions, (4, 5) and (6, 5)", f => f(Inputs.Unit(98, 4, 5), Inputs.Unit(99, 6, 5))),
            new("7 images and 7 captions, (7, 3) and (7, 3)", f => f(Inputs.Unit(100, 7, 3), Inputs.Unit(101, 7, 3))),
        ],
        Mistakes =
        [
            new("sign", (images, texts) => texts.mean([0]) - images.mean([0]), "The vector points the wrong way: from the captions to the images means the images' mean minus the captions'."),
            new("length alone", (images, texts) => (images.mean([0]) - texts.mean([0])).norm(), "That is the size of the gap, one number. Asked for is the vector, (E)."),
            new("means made length 1", (images, texts) => functional.normalize(images.mean([0]), dim: 0) - functional.normalize(texts.mean([0]), dim: 0),
                "You normalised the means. They are meant to be shorter than 1: the shorter, the more a modality spreads."),
            new("mean of each row", (images, texts) => images.mean([1]).mean() - texts.mean([1]).mean(), "You averaged over the embedding's entries: the mean runs over the images, dimension 0, and leaves a vector."),
            new("sums", (images, texts) => images.sum(0) - texts.sum(0), "Those are sums: with other numbers of images and captions they are not comparable. Take means."),
        ],
    };

    /// <summary>Points, (N, E) → their coordinates along the two directions of largest variance, (N, 2); the sign of a column does not matter.</summary>
    public static Exercise<Func<Tensor, Tensor>> Projection { get; } = new()
    {
        Title = "The map's two axes",
        Reference = points => Principal(points - points.mean([0]), 0),
        Cases =
        [
            new("9 points of width 4, (9, 4)", f => Turned(f(Points(102, 9, 4)))),
            new("6 points of width 8, (6, 8)", f => Turned(f(Points(103, 6, 8)))),
        ],
        Tolerance = 1e-3,
        Mistakes =
        [
            new("not centred", points => Principal(points, 0), "Your first axis points at the middle of the points instead of along their spread: subtract the mean point first."),
            new("every point centred", points => Principal(points - points.mean([1], keepdim: true), 0), "You subtracted from each point the mean of its own entries. The mean point is the mean over dimension 0."),
            new("unscaled", points => linalg.svd(points - points.mean([0]), fullMatrices: false).U.narrow(1, 0, 2), "The columns of U have length 1, both: multiply them by the two singular values, or the axes lose their proportion."),
            new("the last two", points => Principal(points - points.mean([0]), (int)Math.Min(points.shape[0], points.shape[1]) - 2), "Those are the directions of least variance: the singular values come the largest first."),
            new("two entries", points => (points - points.mean([0])).narrow(1, 0, 2), "Those are the first two entries of the embedding, two directions of many. Which ones vary most is for the singular value decomposition to say."),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("09-summary", [RecallAt, ProbeGradient, ModalityGap, Projection]);

    /// <summary>Queries whose own column is somewhat above the others, some first and some not.</summary>
    private static Tensor Pairs(ulong seed, long n) => Inputs.Normal(seed, n, n) + eye(n);

    /// <summary>Points that lie off the origin and spread by a different amount in each direction.</summary>
    private static Tensor Points(ulong seed, long n, long width) => (Inputs.Normal(seed, n, width) * linspace(3, 0.3, width)) + 2;

    private static Tensor OneHot(Tensor labels, Tensor weights) => functional.one_hot(labels, weights.shape[1]).to(float32);

    private static Tensor Principal(Tensor centred, int first)
    {
        var (u, s, _) = linalg.svd(centred, fullMatrices: false);
        return u.narrow(1, first, 2) * s.narrow(0, first, 2);
    }

    /// <summary>Each column with the sign that makes its entry of largest magnitude positive.</summary>
    private static Tensor Turned(Tensor coordinates)
    {
        if (coordinates is null || coordinates.dim() != 2) return coordinates!;
        var largest = coordinates.gather(0, coordinates.abs().argmax(0, keepdim: true));
        return coordinates * largest.sign();
    }
}
