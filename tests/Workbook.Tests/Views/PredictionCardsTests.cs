using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Workbook.Tests.Views;

public sealed class PredictionCardsTests
{
    private static readonly RasterImage Red = RasterImage.FromRgb(1, 1, [255, 0, 0]);

    [Fact]
    public void The_classes_of_an_image_are_sorted_and_the_true_one_is_marked() => Assert.Equal(
        ["a dog", "  ✗ cat  75.0 % " + new string('█', 15), "  ✓ dog  20.0 % " + new string('█', 4), "  · fox   5.0 % █"],
        new PredictionCards([Red], ["a dog"], ["dog"], [[("dog", 0.2), ("fox", 0.05), ("cat", 0.75)]]).ToText().Split(Environment.NewLine));

    [Fact]
    public void Where_classes_do_not_exclude_each_other_every_one_from_one_half_on_is_an_answer() => Assert.Equal(
        ["a dog", "  ✗ cat", "  ✗ fox", "  ✓ dog", "  · cow"],
        new PredictionCards([Red], ["a dog"], ["dog"], [[("dog", 0.3), ("cow", 0.1), ("fox", 0.6), ("cat", 0.9)]], multiLabel: true)
            .ToText().Split(Environment.NewLine).Select(line => line[..Math.Min(line.Length, 7)]));

    [Fact]
    public void Only_the_most_probable_classes_are_shown()
    {
        var cards = new PredictionCards([Red], ["x"], [""], [Enumerable.Range(0, 9).Select(i => ($"class {i}", i / 10.0))], most: 2);
        Assert.Equal(3, cards.ToText().Split(Environment.NewLine).Length);
        Assert.Contains("class 8", cards.ToHtml(), StringComparison.Ordinal);
        Assert.DoesNotContain("class 6", cards.ToHtml(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_image_has_its_caption_as_alt_text() =>
        Assert.Contains("alt=\"a dog\"", new PredictionCards([Red], ["a dog"], ["dog"], [[("dog", 1)]]).ToHtml(), StringComparison.Ordinal);

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        Assert.Contains("1 images, 2 captions", Assert.Throws<ArgumentException>(
            () => new PredictionCards([Red], ["a", "b"], ["a"], [[("a", 1)]])).Message, StringComparison.Ordinal);
        Assert.Contains("\"cat\" is 1.5", Assert.Throws<ArgumentException>(
            () => new PredictionCards([Red], ["a"], ["a"], [[("cat", 1.5)]])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new PredictionCards([Red], ["a"], ["a"], [[]]));
        Assert.Throws<ArgumentException>(() => new PredictionCards([], [], [], []));
    }
}
