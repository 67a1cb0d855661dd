using System.Text.Json;

namespace ClipNotebooks.Plots.Tests;

public sealed class SimilarityPlotTests
{
    private const string Pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

    [Fact]
    public void The_figure_holds_every_value_image_and_caption()
    {
        using var figure = JsonDocument.Parse(SimilarityPlot.Figure([[0.5, 0.25], [0.125, 1]], [Pixel, Pixel], ["a.png", "b.png"], ["a cat", "a dog"], "title", "cosine"));
        var trace = figure.RootElement.GetProperty("data")[0];
        Assert.Equal("heatmap", trace.GetProperty("type").GetString());
        Assert.Equal(0.125, trace.GetProperty("z")[1][0].GetDouble());
        var layout = figure.RootElement.GetProperty("layout");
        Assert.Equal(2, layout.GetProperty("images").GetArrayLength());
        Assert.Equal("a dog ", layout.GetProperty("yaxis").GetProperty("ticktext")[1].GetString());
    }

    [Fact]
    public void A_caption_with_markup_cannot_script_the_page()
    {
        const string hostile = "</script><script>alert(1)</script><b>x</b>";
        string figure = SimilarityPlot.Figure([[1]], [Pixel], [hostile], [hostile], hostile, hostile);
        string page = SimilarityPlot.Page(figure, hostile, hostile);
        Assert.DoesNotContain("<script>alert", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>x", page[page.IndexOf("const figure", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_needs_nothing_from_outside()
    {
        string page = SimilarityPlot.Page(SimilarityPlot.Figure([[1]], [Pixel], ["a"], ["b"], "t", "u"), "t", "d");
        Assert.Contains("plotly.js v2.28.0", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script src", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<link", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_matrix_that_does_not_fit_is_refused() =>
        Assert.Contains("1 captions and 2 images", Assert.Throws<ArgumentException>(() => SimilarityPlot.Figure([[1]], [Pixel, Pixel], ["a", "b"], ["c"], "t", "u")).Message, StringComparison.Ordinal);
}
