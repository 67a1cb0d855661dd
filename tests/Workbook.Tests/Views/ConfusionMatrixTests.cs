using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Workbook.Tests.Views;

public sealed class ConfusionMatrixTests
{
    private static readonly string[] Names = ["cat", "dog", "bird"];
    private static readonly int[][] Counts = [[3, 1, 0], [0, 4, 0], [2, 0, 2]];

    [Fact]
    public void It_says_in_words_how_many_are_right_and_which_mistakes_are_frequent() => Assert.Equal(
        "Animals: 9 of 12 right. The most frequent mistakes: bird taken for cat twice, cat taken for dog once.",
            new ConfusionMatrix(Counts, Names, "Animals").Description);

    [Fact]
    public void Without_a_mistake_it_says_so() =>
        Assert.Equal("A: 2 of 2 right. There is no mistake.", new ConfusionMatrix([[2]], ["cat"], "A").Description);

    [Fact]
    public void As_text_each_cell_has_its_count_and_its_share_of_the_row() => Assert.Equal(
        ["            cat        dog       bird", "cat     3  75 %    1  25 %    0   0 %", "dog     0   0 %    4 100 %    0   0 %",
            "bird    2  50 %    0   0 %    2  50 %"],
        new ConfusionMatrix(Counts, Names, "Animals").ToText().Split(Environment.NewLine).Skip(1));

    [Fact]
    public void With_many_classes_the_text_names_the_mistakes_of_each_row()
    {
        string[] names = [.. Enumerable.Range(0, 20).Select(i => $"class {i}")];
        int[][] counts = [.. Enumerable.Range(0, 20).Select(
            i => Enumerable.Range(0, 20).Select(j => i == j ? 3 : i == 4 && j == 7 ? 1 : 0).ToArray())];
        string[] lines = new ConfusionMatrix(counts, names, "Many").ToText().Split(Environment.NewLine);
        Assert.Equal("class 4   75 % of 4; not so: class 7 1", lines[5]);
        Assert.Equal("class 5  100 % of 3", lines[6]);
    }

    [Fact]
    public void Mistakes_come_with_the_most_frequent_first() =>
        Assert.Equal([("bird", "cat", 2, 0.5), ("cat", "dog", 1, 0.25)], new ConfusionMatrix(Counts, Names, "Animals").Mistakes());

    [Fact]
    public void Each_cell_of_the_markup_says_what_it_counts_and_each_class_may_have_an_image()
    {
        var red = RasterImage.FromRgb(1, 1, [255, 0, 0]);
        string html = new ConfusionMatrix(Counts, Names, "Animals", [red, red, red]).ToHtml();
        Assert.Contains("title=\"2 of 4 bird answered with cat (50 %)\"", html, StringComparison.Ordinal);
        Assert.Equal(3, html.Split("<img ").Length - 1);
        Assert.Equal(3, html.Split("<th scope=\"row\"").Length - 1);
    }

    [Fact]
    public void A_class_without_images_has_no_share_and_breaks_nothing() =>
        Assert.Contains("0   0 %", new ConfusionMatrix([[0, 0], [0, 1]], ["a", "b"], "t").ToText(), StringComparison.Ordinal);

    [Fact]
    public void Counts_of_another_size_are_refused_with_both() => Assert.Contains("3 class names; the counts have 2 rows of 2 columns",
        Assert.Throws<ArgumentException>(() => new ConfusionMatrix([[1, 2], [3, 4]], Names, "t")).Message, StringComparison.Ordinal);

    [Fact]
    public void Negative_counts_and_missing_images_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new ConfusionMatrix([[-1]], ["a"], "t"));
        Assert.Throws<ArgumentException>(() => new ConfusionMatrix([[1]], ["a"], "t", []));
    }
}
