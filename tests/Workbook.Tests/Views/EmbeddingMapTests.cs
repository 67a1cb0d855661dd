using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Views;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Tests.Views;

public sealed class EmbeddingMapTests
{
    private static readonly RasterImage Red = RasterImage.FromRgb(2, 2, [255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0]);

    [Fact]
    public void Points_of_a_plane_keep_their_distances_and_pictures_go_to_the_left()
    {
        // Two pictures and two captions in a plane of three dimensions: the map is that plane, turned.
        using var scope = NewDisposeScope();
        Tensor images = tensor(new float[,] { { 5, 1, 0 }, { 5, -1, 0 } }), texts = tensor(new float[,] { { 0, 2, 0 }, { 0, -2, 0 } });
        var map = new EmbeddingMap(images, texts, [Red, Red], ["a", "b"], "Title");
        Assert.Equal(1, map.Shares.First + map.Shares.Second, 1e-12);
        Assert.Equal(5, map.Gap, 1e-6);
        Assert.All(map.Images, p => Assert.Equal(-2.5, p.X, 1e-6));
        Assert.All(map.Texts, p => Assert.Equal(2.5, p.X, 1e-6));
        Assert.Equal(2, Math.Abs(map.Images[0].Y - map.Images[1].Y), 1e-6);
        Assert.Equal(4, Math.Abs(map.Texts[0].Y - map.Texts[1].Y), 1e-6);
        Assert.True(map.Images[0].Y * map.Texts[0].Y > 0);   // each beside its own
        Assert.Contains("all pictures lie to the left of all captions", map.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void The_axes_are_the_directions_of_largest_variance()
    {
        using var scope = NewDisposeScope();
        var points = randn(12, 6, generator: new Generator(3)) * tensor(new float[] { 1, 9, 1, 4, 1, 1 });
        var map = new EmbeddingMap(points.narrow(0, 0, 5), points.narrow(0, 5, 7), [.. Enumerable.Repeat(Red, 5)],
            [.. Enumerable.Range(0, 7).Select(i => $"caption {i}")], "Title");
        var doubles = points.to(float64);
        var centred = doubles - doubles.mean([0]);
        double[] variances = linalg.eigvalsh(centred.t().mm(centred)).data<double>().ToArray();   // ascending
        Assert.Equal(variances[^1] / variances.Sum(), map.Shares.First, 1e-9);
        Assert.Equal(variances[^2] / variances.Sum(), map.Shares.Second, 1e-9);
        Assert.Equal(variances[^1], map.Images.Concat(map.Texts).Sum(p => p.X * p.X), 1e-6 * variances[^1]);
    }

    [Fact]
    public void Its_text_form_is_a_map_with_both_kinds_of_points()
    {
        using var scope = NewDisposeScope();
        string[] lines = new EmbeddingMap(tensor(new float[,] { { -1, 0 } }), tensor(new float[,] { { 1, 1 }, { 1, -1 } }), [Red],
            ["a", "b"], "Title").ToText().Split(Environment.NewLine);
        Assert.StartsWith("Title: 1 pictures", lines[0], StringComparison.Ordinal);
        string map = string.Concat(lines.Skip(2));
        Assert.Equal((1, 2), (map.Count(c => c == 'o'), map.Count(c => c == '+')));
    }

    [Fact]
    public void Pairs_are_joined_and_every_point_has_its_name()
    {
        using var scope = NewDisposeScope();
        string html = new EmbeddingMap(rand(3, 4, generator: new Generator(1)), rand(3, 4, generator: new Generator(2)), [Red, Red, Red],
            ["a cat", "a dog", "a bird"], "Title", ["cat.png", "dog.png", "bird.png"]).ToHtml();
        Assert.Equal(3, html.Split("<line ").Length - 1);
        Assert.Equal(3, html.Split("<image ").Length - 1);
        Assert.Contains("<title>dog.png</title>", html, StringComparison.Ordinal);
        Assert.Contains("<title>a bird</title>", html, StringComparison.Ordinal);
        Assert.Contains("aria-label=\"Title: 3 pictures", html, StringComparison.Ordinal);
    }

    [Fact]
    public void What_does_not_fit_is_refused_and_no_tensor_is_left()
    {
        using var scope = NewDisposeScope();
        Tensor two = ones(2, 3), other = ones(2, 4);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Assert.Contains("(2, 3) and (2, 4)", Assert.Throws<ArgumentException>(
            () => new EmbeddingMap(two, other, [Red, Red], ["a", "b"], "Title")).Message, StringComparison.Ordinal);
        Assert.Contains("2 of captions for 1 captions",
            Assert.Throws<ArgumentException>(() => new EmbeddingMap(two, two, [Red, Red], ["a"], "Title")).Message,
            StringComparison.Ordinal);
        Assert.NotEmpty(new EmbeddingMap(two, two, [Red, Red], ["a", "b"], "Title").ToHtml());   // all in one place: nothing to divide by
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void A_component_table_lists_shapes_and_adds_up_the_parameters()
    {
        using var scope = NewDisposeScope();
        var table = new ComponentTable("Title", [("Projection", "Parameter", [zeros(2, 3)], zeros(2, 5, device: META), 1500),
            ("Loss", "ContrastiveLoss", [zeros(2, 5), zeros(2, 5)], zeros([]), 1)]);
        Assert.Equal(1501, table.Parameters);
        Assert.Equal(
        [
            "Title",
            "component     class            input              output  parameters",
            "Projection    Parameter        (2, 3)             (2, 5)       1,500",
            "Loss          ContrastiveLoss  (2, 5) and (2, 5)  scalar           1",
            "all together                                                   1,501",
        ], table.ToText().Split(Environment.NewLine));
    }
}
