using ClipNotebooks.Workbook.Emoji;

namespace ClipNotebooks.Workbook.Tests.Emoji;

public sealed class EmojiEvaluationTests
{
    [Theory]
    [InlineData(new[] { 0.1f, 0.9f, 0.2f }, 1, 0, 2)]           // named rightly; the next best is the third
    [InlineData(new[] { 0.5f, 0.1f, 0.9f }, 0, 1, 2)]
    [InlineData(new[] { 0.1f, 0.9f, 0.8f, 0.95f }, 0, 3, 3)]
    [InlineData(new[] { 0.7f }, 0, 0, 0)]                       // the only name
    public void A_picture_ranks_behind_the_names_that_fit_it_better(float[] scores, int own, int rank, int best) =>
        Assert.Equal((rank, best), EmojiEvaluation.Place(scores, own));

    /// <summary>Wherever the own name stands among equal ones, and what the picture is taken for is another name than its own.</summary>
    [Theory]
    [InlineData(new[] { 0.5f, 0.5f, 0.2f }, 0, 1, 1)]
    [InlineData(new[] { 0.5f, 0.5f, 0.2f }, 1, 1, 0)]
    [InlineData(new[] { 0.5f, 0.5f, 0.5f }, 0, 2, 1)]
    [InlineData(new[] { 0.5f, 0.5f, 0.5f }, 2, 2, 0)]
    [InlineData(new[] { 0.5f, 0.6f, 0.5f }, 2, 2, 1)]
    public void A_tie_counts_against_the_right_name_and_is_a_confusion_with_another(float[] scores, int own, int rank, int best) =>
        Assert.Equal((rank, best), EmojiEvaluation.Place(scores, own));
}
