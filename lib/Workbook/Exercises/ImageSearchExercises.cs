using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 08: ranking, negative queries, shards, and what a shortcut misses.</summary>
public static class ImageSearchExercises
{
    /// <summary>Embeddings of unit length, (N, E), a query of unit length, (E), and k → the positions of the k nearest, the nearest first, (k).</summary>
    public static Exercise<Func<Tensor, Tensor, int, Tensor>> Nearest { get; } = new()
    {
        Title = "The k nearest",
        Reference = (embeddings, query, k) => embeddings.mv(query).topk(k).indexes,
        Cases =
        [
            new("7 embeddings (7, 4), the 3 nearest", f => f(Inputs.Unit(81, 7, 4), Inputs.Unit(82, 4), 3)),
            new("5 embeddings (5, 8), the nearest alone", f => f(Inputs.Unit(83, 5, 8), Inputs.Unit(84, 8), 1)),
            new("4 embeddings (4, 3), all of them", f => f(Inputs.Unit(85, 4, 3), Inputs.Unit(86, 3), 4)),
        ],
        Mistakes =
        [
            new("scores", (embeddings, query, k) => embeddings.mv(query).topk(k).values, "Those are the similarities; the answer is where they stand."),
            new("farthest", (embeddings, query, k) => embeddings.mv(query).argsort().slice(0, 0, k, 1), "You took the smallest similarities: argsort ascends unless it is told otherwise."),
            new("all", (embeddings, query, _) => embeddings.mv(query).argsort(descending: true), "You ranked everything: only the first k were asked for."),
        ],
    };

    /// <summary>Wanted features, (P, E), unwanted ones, (N, E), all of unit length, and the weight of the latter → one query of unit length, (E): the sum of the wanted less weight times the sum of the unwanted.</summary>
    public static Exercise<Func<Tensor, Tensor, double, Tensor>> Negative { get; } = new()
    {
        Title = "Negative queries",
        Reference = (wanted, unwanted, weight) => functional.normalize(wanted.sum(dim: 0) - (unwanted.sum(dim: 0) * weight), p: 2, dim: 0),
        Cases =
        [
            new("1 wanted, 1 unwanted, (1, 4) each, weight 0.5", f => f(Inputs.Unit(91, 1, 4), Inputs.Unit(92, 1, 4), 0.5)),
            new("2 wanted (2, 6), 3 unwanted (3, 6), weight 1", f => f(Inputs.Unit(93, 2, 6), Inputs.Unit(94, 3, 6), 1)),
            new("3 wanted (3, 5), 1 unwanted (1, 5), weight 0, so that it does not count", f => f(Inputs.Unit(95, 3, 5), Inputs.Unit(96, 1, 5), 0)),
        ],
        Mistakes =
        [
            new("sum(0)", (wanted, unwanted, weight) => functional.normalize(wanted.sum(ScalarType.Byte) - (unwanted.sum(ScalarType.Byte) * weight), p: 2, dim: 0),
                "In C#, sum(0) does not sum over dimension 0: the 0 is taken for a number type, and everything is summed as bytes. Write sum(dim: 0)."),
            new("added", (wanted, unwanted, weight) => functional.normalize(wanted.sum(dim: 0) + (unwanted.sum(dim: 0) * weight), p: 2, dim: 0), "You added what is not wanted, so you will find more of it."),
            new("length", (wanted, unwanted, weight) => wanted.sum(dim: 0) - (unwanted.sum(dim: 0) * weight), "The direction is right, the length is not 1: the scores would not be cosines, and no threshold would mean anything."),
            new("weight left out", (wanted, unwanted, _) => functional.normalize(wanted.sum(dim: 0) - unwanted.sum(dim: 0), p: 2, dim: 0), "Every unwanted query counts in full: the weight is left out."),
            new("normalised too early", (wanted, unwanted, weight) =>
                functional.normalize(functional.normalize(wanted.sum(dim: 0), p: 2, dim: 0) - (functional.normalize(unwanted.sum(dim: 0), p: 2, dim: 0) * weight), p: 2, dim: 0),
                "You made each sum a unit vector before subtracting: three wanted queries then weigh no more than one."),
        ],
    };

    /// <summary>The best scores of two shards, each descending, and k → the best k of both, descending.</summary>
    public static Exercise<Func<double[], double[], int, double[]>> Merge { get; } = new()
    {
        Title = "Two shards, one ranking",
        Reference = (first, second, k) => [.. first.Concat(second).OrderDescending().Take(k)],
        Cases =
        [
            new("0.9 0.5 0.4 and 0.8 0.7 0.6, the best 3", f => f([0.9, 0.5, 0.4], [0.8, 0.7, 0.6], 3)),
            new("0.9 0.8 0.7 0.6 and 0.3 0.2, the best 4", f => f([0.9, 0.8, 0.7, 0.6], [0.3, 0.2], 4)),
            new("0.4 and nothing, the best 2", f => f([0.4], [], 2)),
        ],
        Mistakes =
        [
            new("half of each", (first, second, k) => [.. first.Take((k + 1) / 2).Concat(second.Take(k / 2)).OrderDescending()], "You took half from each shard. All of the best may lie in one: take k from each, then choose."),
            new("not sorted", (first, second, k) => [.. first.Concat(second).Take(k)], "You put one list after the other and cut: the second shard's best may beat the first's."),
            new("ascending", (first, second, k) => [.. first.Concat(second).Order().Take(k)], "Sorted the wrong way: the best score comes first."),
        ],
    };

    /// <summary>For each query the positions that exact search finds and those that a shortcut finds, (Q, k) each → the share of the former that the shortcut has too, 0 to 1.</summary>
    public static Exercise<Func<long[][], long[][], double>> Recall { get; } = new()
    {
        Title = "What the shortcut misses",
        Reference = (exact, approximate) => exact.Zip(approximate, (right, found) => (double)right.Intersect(found).Count()).Sum() / exact.Sum(right => right.Length),
        Cases =
        [
            new("one query, 3 1 2 exact, 1 3 7 found", f => f([[3, 1, 2]], [[1, 3, 7]])),
            new("two queries, all of the first and none of the second found", f => f([[4, 5], [6, 7]], [[5, 4], [1, 2]])),
            new("one query, where the shortcut found only one of 4", f => f([[9, 8, 7, 6]], [[8]])),
        ],
        Mistakes =
        [
            new("by place", (exact, approximate) => exact.Zip(approximate, (right, found) => (double)right.Zip(found).Count(pair => pair.First == pair.Second)).Sum() / exact.Sum(right => right.Length),
                "You compared place by place. Recall asks whether an answer is there at all, wherever it stands."),
            new("precision", (exact, approximate) => exact.Zip(approximate, (right, found) => (double)right.Intersect(found).Count()).Sum() / approximate.Sum(found => found.Length),
                "You divided by what was found; that is precision. Recall divides by what there was to find."),
            new("hit rate", (exact, approximate) => exact.Zip(approximate, (right, found) => right.Intersect(found).Any() ? 1.0 : 0).Average(), "You counted the queries with at least one answer; every answer counts."),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("08-image-search", [Nearest, Negative, Merge, Recall]);
}
