using ClipNotebooks.Clip.Evaluation;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Evaluation;

public sealed class EvaluationTests
{
    [Fact]
    public void Top1_top5_recall_and_confusion_are_those_counted_by_hand()
    {
        using var scores = tensor(new float[,]
        {
            { 6, 5, 4, 3, 2, 1 },   // own class 0: first
            { 5, 6, 4, 3, 2, 1 },   // own class 0: second
            { 6, 5, 4, 3, 2, 1 },   // own class 5: sixth
            { 6, 5, 4, 3, 2, 7 },   // own class 5: first
            { 1, 2, 9, 3, 4, 5 },   // own class 2: first
        });
        var report = ClassificationReport.Measure(scores, [0, 0, 5, 5, 2]);
        Assert.Equal(5, report.Count);
        Assert.Equal(3 / 5.0, report.Top1);
        Assert.Equal(4 / 5.0, report.Top5);
        Assert.Equal((0.5 + 0.5 + 1) / 3, report.MeanPerClassRecall, 1e-12);
        Assert.Equal([1, 1, 0, 0, 0, 0], report.Confusion[0]);
        Assert.Equal([0, 0, 1, 0, 0, 0], report.Confusion[2]);
        Assert.Equal([1, 0, 0, 0, 0, 1], report.Confusion[5]);
    }

    [Fact]
    public void Fewer_than_five_classes_are_all_among_the_first_five()
    {
        using var scores = tensor(new float[,] { { 1, 2 }, { 1, 2 } });
        var report = ClassificationReport.Measure(scores, [0, 1]);
        Assert.Equal((0.5, 1.0), (report.Top1, report.Top5));
    }

    [Fact]
    public void Scores_that_do_not_fit_their_labels_are_refused()
    {
        using var scores = tensor(new float[,] { { 1, 2 }, { 1, float.NaN } });
        Assert.Throws<ArgumentException>(() => ClassificationReport.Measure(scores, [0]));
        Assert.Contains("Label 1 is 2", Assert.Throws<ArgumentException>(() => ClassificationReport.Measure(scores, [0, 2])).Message,
            StringComparison.Ordinal);
        Assert.Contains("NaN", Assert.Throws<ArgumentException>(() => ClassificationReport.Measure(scores, [0, 1])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_hit_is_any_right_answer_and_true_recall_counts_them_all()
    {
        using var similarity = tensor(new float[,] { { 9, 8, 1, 0 }, { 9, 8, 7, 6 } });
        using var positives = tensor(new bool[,] { { true, false, true, false }, { false, false, true, false } });
        Assert.Equal([0.5, 0.5, 1], new[] { 1, 2, 3 }.Select(k => Retrieval.HitRateAt(similarity, positives, k)));
        Assert.Equal([0.25, 0.25, 1], new[] { 1, 2, 3 }.Select(k => Retrieval.TrueRecallAt(similarity, positives, k)));
        Assert.Equal(1, Retrieval.TrueRecallAt(similarity, positives, 10));
    }

    [Fact]
    public void With_one_right_answer_each_hit_rate_and_true_recall_are_recall()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var similarity = rand(20, 20);
        var own = eye(20).to(ScalarType.Bool);
        foreach (int k in new[] { 1, 5, 10 })
        {
            Assert.Equal(Retrieval.RecallAt(similarity, k), Retrieval.HitRateAt(similarity, own, k), 1e-12);
            Assert.Equal(Retrieval.RecallAt(similarity, k), Retrieval.TrueRecallAt(similarity, own, k), 1e-12);
        }
    }

    [Fact]
    public void A_report_has_the_figures_of_both_directions()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        int[] imageOf = [.. Enumerable.Range(0, 40).Select(caption => caption * 7 % 12)];
        Tensor similarity = randn(12, 40), positives = zeros(12, 40, ScalarType.Bool);
        foreach (var (caption, image) in imageOf.Index()) positives[image, caption] = true;
        var report = RetrievalReport.Measure(similarity, imageOf);
        Assert.Equal([1, 5, 10], report.At.Select(at => at.K));
        foreach (var at in report.At)
        {
            Assert.Equal(new RetrievalAt(at.K, Retrieval.HitRateAt(similarity, positives, at.K),
                Retrieval.TrueRecallAt(similarity, positives, at.K), Retrieval.HitRateAt(similarity.t(), positives.t(), at.K),
                Retrieval.TrueRecallAt(similarity.t(), positives.t(), at.K)), at);
        }
        Assert.Contains("Image 3 has no caption", Assert.Throws<ArgumentException>(
            () => RetrievalReport.Measure(zeros(4, 3), [0, 1, 2])).Message, StringComparison.Ordinal);
        using var undefined = full(2, 2, double.NaN);
        Assert.Contains("NaN", Assert.Throws<ArgumentException>(() => RetrievalReport.Measure(undefined, [0, 1])).Message,
            StringComparison.Ordinal);
    }

    /// <summary>
    /// One number stands for all similarities, since they would take 10 GB; the refusal shows that their count, over 2^31, is no obstacle.
    /// </summary>
    [Fact]
    public void More_similarities_than_an_array_holds_are_no_overflow()
    {
        using var scope = NewDisposeScope();
        var similarity = zeros(1, 1).expand(50_000, 50_000);
        var error = Assert.Throws<ArgumentException>(() => RetrievalReport.Measure(similarity, [.. Enumerable.Repeat(0, 49_999), 50_000]));
        Assert.Contains("Caption 49999 belongs to image 50000", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_query_without_a_right_answer_is_refused()
    {
        using var similarity = zeros(2, 3);
        using var none = zeros(2, 3, ScalarType.Bool);
        using var other = ones(3, 2, ScalarType.Bool);
        Assert.Contains("no right answer", Assert.Throws<ArgumentException>(() => Retrieval.HitRateAt(similarity, none, 1)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Retrieval.TrueRecallAt(similarity, other, 1));
    }
}
