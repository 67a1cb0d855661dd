using ClipNotebooks.Clip.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Evaluation;

/// <summary>Image-text retrieval measured on a similarity matrix (paper, section 4.2 and table 13).</summary>
public static class Retrieval
{
    /// <summary>
    /// The share of rows whose own column (row i, column i) is among the <paramref name="k"/> largest values of the row. Ties count against
    /// the row: among equal values, its own ranks last.
    /// </summary>
    /// <param name="similarity">(N, N): rows are queries, columns candidates. Transpose it for the other direction.</param>
    /// <param name="k">How many of the largest values count, at least 1.</param>
    /// <returns>Recall@k, 0 to 1.</returns>
    /// <exception cref="ArgumentException">The matrix is not square, is empty or holds NaN, or <paramref name="k"/> is below 1.</exception>
    public static double RecallAt(Tensor similarity, int k)
    {
        ArgumentNullException.ThrowIfNull(similarity);
        if (similarity.dim() != 2 || similarity.shape[0] != similarity.shape[1] || similarity.shape[0] == 0)
            throw new ArgumentException($"Recall needs a square similarity matrix of pairs; this one is " +
                $"({string.Join(", ", similarity.shape)}).");
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);

        using var scope = NewDisposeScope();
        RefuseNaN(similarity);
        var own = similarity.diag().unsqueeze(1);             // (N, 1)
        var notBelow = similarity.ge(own).sum(dim: 1);        // (N): the rank of the own column, ties counted against it
        return notBelow.AtMost(k).to(float64).mean().ToDouble();
    }

    /// <summary>
    /// CLIP's "recall", for queries with several right answers: the share of queries that have at least one of theirs among the
    /// <paramref name="k"/> largest values of the row (CLIP_benchmark's <c>retrieval_recall</c>).
    /// </summary>
    /// <param name="similarity">(N, M): rows are queries, columns candidates.</param>
    /// <param name="positives">(N, M), bool: true where the candidate is a right answer; at least one in each row.</param>
    /// <param name="k">How many of the largest values count, at least 1; all, if there are fewer.</param>
    /// <returns>0 to 1.</returns>
    /// <exception cref="ArgumentException">
    /// The shapes differ or are empty, a similarity is NaN, a query has no right answer, or <paramref name="k"/> is below 1.
    /// </exception>
    public static double HitRateAt(Tensor similarity, Tensor positives, int k)
    {
        using var scope = NewDisposeScope();
        return Found(similarity, positives, k).to(ScalarType.Bool).to(float64).mean().ToDouble();
    }

    /// <summary>
    /// Recall in the usual sense: the mean over the queries of the share of their right answers among the <paramref name="k"/> largest
    /// values of the row.
    /// </summary>
    /// <inheritdoc cref="HitRateAt"/>
    public static double TrueRecallAt(Tensor similarity, Tensor positives, int k)
    {
        using var scope = NewDisposeScope();
        return (Found(similarity, positives, k).to(float64) / positives.sum(dim: 1)).mean().ToDouble();
    }

    /// <summary>Every comparison with NaN is false: rows of NaN would count as found.</summary>
    internal static void RefuseNaN(Tensor similarity)
    {
        if (similarity.isnan().any().ToBoolean()) throw new ArgumentException("A similarity is not a number (NaN).", nameof(similarity));
    }

    /// <summary>(N): how many right answers are among each row's k largest.</summary>
    private static Tensor Found(Tensor similarity, Tensor positives, int k)
    {
        ArgumentNullException.ThrowIfNull(similarity);
        ArgumentNullException.ThrowIfNull(positives);
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        if (similarity.dim() != 2 || similarity.numel() == 0 || !similarity.shape.AsSpan().SequenceEqual(positives.shape)
            || positives.dtype != ScalarType.Bool)
            throw new ArgumentException($"The similarity is ({string.Join(", ", similarity.shape)}), the right answers " +
                $"({string.Join(", ", positives.shape)}) {positives.dtype}; both must be (N, M), the latter bool.");
        RefuseNaN(similarity);
        if (!positives.any(1).all().ToBoolean()) throw new ArgumentException(
            "A query has no right answer: recall is not defined for it.", nameof(positives));
        var nearest = similarity.topk((int)Math.Min(k, similarity.shape[1]), dim: 1).indexes;    // (N, k)
        return positives.gather(1, nearest).sum(dim: 1);
    }
}
