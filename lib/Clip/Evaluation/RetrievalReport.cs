using TorchSharp;
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
        var captions = new long[N];
        foreach (var (caption, image) in imageOf.Index())
        {
            if (image < 0 || image >= N) throw new ArgumentException($"Caption {caption} belongs to image {image}; there are the images " +
                $"0 to {N - 1}.", nameof(imageOf));
            captions[image]++;
        }
        if (Array.IndexOf(captions, 0L) is >= 0 and var without)
            throw new ArgumentException($"Image {without} has no caption: recall is not defined for it.", nameof(imageOf));
        using var scope = NewDisposeScope();
        Retrieval.RefuseNaN(similarity);
        // Only the k nearest are asked whose they are: a second (N, M), of right answers, would be longer than an array can be.
        var (owner, count) = (tensor(imageOf.Select(image => (long)image).ToArray()), tensor(captions));    // (M), (N)
        var byCaption = similarity.t();                                                                     // (M, N)
        return new RetrievalReport(N, M, [.. Depths.Select(At)]);

        RetrievalAt At(int k)
        {
            using var inner = NewDisposeScope();
            var ownCaptions = owner[Nearest(similarity, k)].eq(arange(N).unsqueeze(1)).sum(dim: 1);         // (N)
            var ownImage = Nearest(byCaption, k).eq(owner.unsqueeze(1)).sum(dim: 1);                       // (M), 0 or 1
            double imageOfCaption = Mean(ownImage);
            return new RetrievalAt(k, Mean(ownCaptions.to(ScalarType.Bool)), Mean(ownCaptions.to(float64) / count),
                imageOfCaption, imageOfCaption);
        }
    }

    /// <summary>The columns of each row's k largest values, all if there are fewer: (N, k).</summary>
    private static Tensor Nearest(Tensor similarity, int k) => similarity.topk((int)Math.Min(k, similarity.shape[1]), dim: 1).indexes;

    private static double Mean(Tensor values) => values.to(float64).mean().ToDouble();
}
