using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>Image-text retrieval measured on a similarity matrix (paper, section 4.2 and table 13).</summary>
public static class Retrieval
{
    /// <summary>
    /// The share of rows whose own column (row i, column i) is among the <paramref name="k"/> largest values of the row. Ties count
    /// against the row: of equal values the own one is taken to be the last.
    /// </summary>
    /// <param name="similarity">(N, N): rows are queries, columns candidates. Transpose it for the other direction.</param>
    /// <param name="k">How many candidates are looked at, from 1.</param>
    /// <returns>Recall@k, 0 to 1.</returns>
    /// <exception cref="ArgumentException">The matrix is not square or is empty, or <paramref name="k"/> is below 1.</exception>
    public static double RecallAt(Tensor similarity, int k)
    {
        ArgumentNullException.ThrowIfNull(similarity);
        if (similarity.dim() != 2 || similarity.shape[0] != similarity.shape[1] || similarity.shape[0] == 0)
            throw new ArgumentException($"Recall needs a square similarity matrix of pairs; this one is ({string.Join(", ", similarity.shape)}).");
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);

        using var scope = NewDisposeScope();
        var own = similarity.diag().unsqueeze(1);             // (N, 1)
        var notBelow = similarity.ge(own).sum(dim: 1);        // (N): the own column, and those as good or better
        return notBelow.le(k).to(float64).mean().ToDouble();
    }
}
