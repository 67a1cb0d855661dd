using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Evaluation;

/// <summary>How well class scores agree with the labels, measured as CLIP_benchmark does (its <c>zeroshot_classification</c>).</summary>
/// <param name="Count">N, the images measured.</param>
/// <param name="Top1">The share whose highest score is their own class's, 0 to 1.</param>
/// <param name="Top5">The share whose own class is among the five highest, 0 to 1; with fewer than five classes, among all.</param>
/// <param name="MeanPerClassRecall">
/// Each class's top-1 share, averaged over the classes that have images, 0 to 1: rare classes count as much as common ones.
/// </param>
/// <param name="Confusion">C × C: how many images of class [row] had their highest score at [column].</param>
public sealed record ClassificationReport(int Count, double Top1, double Top5, double MeanPerClassRecall,
    IReadOnlyList<IReadOnlyList<int>> Confusion)
{
    /// <summary>Measures scores: probabilities, logits or similarities, since only their order counts.</summary>
    /// <param name="scores">(N, C), on the CPU, without NaN.</param>
    /// <param name="labels">N class numbers, the columns of <paramref name="scores"/>.</param>
    /// <exception cref="ArgumentException">
    /// The shapes do not fit, there is no image, a label is not a column, or a score is not a number.
    /// </exception>
    public static ClassificationReport Measure(Tensor scores, IReadOnlyList<int> labels)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(labels);
        if (scores.dim() != 2 || scores.shape[0] != labels.Count || labels.Count == 0 || scores.shape[1] == 0)
            throw new ArgumentException($"The scores are ({string.Join(", ", scores.shape)}) for {labels.Count} labels; (N, C) with N " +
                $"labels, at least one, is needed.", nameof(scores));
        int classes = (int)scores.shape[1];
        foreach (var (index, label) in labels.Index())
            if (label < 0 || label >= classes)
                throw new ArgumentException($"Label {index} is {label}; the scores have the columns 0 to {classes - 1}.", nameof(labels));

        using var scope = NewDisposeScope();
        if (scores.isnan().any().ToBoolean()) throw new ArgumentException("A score is not a number (NaN).", nameof(scores));
        int k = Math.Min(5, classes);
        long[] best = scores.topk(k, dim: 1).indexes.contiguous().data<long>().ToArray();            // (N, k)
        var confusion = Enumerable.Range(0, classes).Select(_ => new int[classes]).ToArray();
        int top1 = 0, top5 = 0;
        for (int i = 0; i < labels.Count; i++)
        {
            confusion[labels[i]][best[i * k]]++;
            if (best[i * k] == labels[i]) top1++;
            if (best.AsSpan(i * k, k).Contains(labels[i])) top5++;
        }
        double recall = confusion.Index().Where(row => row.Item.Sum() > 0).Average(row => row.Item[row.Index] / (double)row.Item.Sum());
        return new ClassificationReport(labels.Count, top1 / (double)labels.Count, top5 / (double)labels.Count, recall, confusion);
    }
}
