using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Evaluation;

/// <summary>
/// Retrieval in both directions for k = 1, 5 and 10, as the paper's table 13 and CLIP_benchmark's <c>zeroshot_retrieval</c> report it.
/// </summary>
/// <param name="Images">N, the number of images.</param>
/// <param name="Captions">M, the number of captions.</param>
/// <param name="At">The results for k = 1, 5 and 10.</param>
public sealed record RetrievalReport(int Images, int Captions, IReadOnlyList<RetrievalAt> At)
{
    private static readonly int[] Depths = [1, 5, 10];

    /// <summary>Measures a similarity matrix.</summary>
    /// <param name="similarity">(N, M): rows are images, columns captions; on the CPU.</param>
    /// <param name="imageOf">M row numbers: each caption's image. Every image has at least one.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, a number is not a row, or an image has no caption.</exception>
    public static RetrievalReport Measure(Tensor similarity, IReadOnlyList<int> imageOf)
    {
        ArgumentNullException.ThrowIfNull(similarity);
        ArgumentNullException.ThrowIfNull(imageOf);
        if (similarity.dim() != 2 || similarity.shape[1] != imageOf.Count || similarity.numel() == 0)
            throw new ArgumentException($"The similarity is ({string.Join(", ", similarity.shape)}) for {imageOf.Count} captions; (N, M) " +
                $"with M captions is needed.", nameof(similarity));
        var (N, M) = ((int)similarity.shape[0], imageOf.Count);
        var right = new bool[checked(N * M)];
        foreach (var (caption, image) in imageOf.Index())
        {
            if (image < 0 || image >= N) throw new ArgumentException($"Caption {caption} belongs to image {image}; there are the images " +
                $"0 to {N - 1}.", nameof(imageOf));
            right[image * M + caption] = true;
        }
        using var scope = NewDisposeScope();
        var (positives, byCaption) = (tensor(right, [N, M]), similarity.t());  // (N, M), (M, N)
        return new RetrievalReport(N, M, [.. Depths.Select(k => new RetrievalAt(k,
            Retrieval.HitRateAt(similarity, positives, k), Retrieval.TrueRecallAt(similarity, positives, k),
            Retrieval.HitRateAt(byCaption, positives.t(), k), Retrieval.TrueRecallAt(byCaption, positives.t(), k)))]);
    }
}
