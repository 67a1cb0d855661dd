using ClipNotebooks.Clip.Images;
using ClipNotebooks.Workbook.Plotting;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Tests.Plotting;

public sealed class SimilarityPlotTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("plots").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_picture_has_the_captions_in_ink()
    {
        string with = Path.Combine(_folder, "with.png"), without = Path.Combine(_folder, "without.png");
        Plot(["a photo of a cat", "a dog"]).SavePng(with);
        Plot([" ", " "]).SavePng(without);
        int Ink(string path) => RgbImage.Load(path) is var image ? Enumerable.Range(0, image.Width * image.Height)
            .Count(i => i % image.Width < 470 && i / image.Width > 270 && image.Pixels[3 * i] < 100) : 0;
        // Two short captions at twice 13 pixels: some thousand dark pixels; none if the font draws nothing.
        Assert.InRange(Ink(with) - Ink(without), 800, 20_000);
    }

    [Fact]
    public void The_page_is_drawn_by_Plotly_loaded_apart()
    {
        string path = Path.Combine(_folder, "plot.html");
        Plot(["a cat", "a dog"]).SaveHtml(path);
        string page = File.ReadAllText(path);
        Assert.Contains("\"heatmap\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain(AppDomain.CurrentDomain.GetAssemblies(), a => a.GetName().Name == "Plotly.NET"
            && System.Runtime.Loader.AssemblyLoadContext.GetLoadContext(a) == System.Runtime.Loader.AssemblyLoadContext.Default);
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void The_description_names_the_best_caption_of_each_image() =>
        Assert.Contains("1.png: \"a cat\"; 2.png: \"a dog\"", Plot(["a cat", "a dog"]).Description, StringComparison.Ordinal);

    [Fact]
    public void A_matrix_of_another_shape_is_refused()
    {
        using var matrix = ones(2, 3);
        Assert.Contains("this one is (2, 3)", Assert.Throws<ArgumentException>(() => new SimilarityPlot(matrix, [Image, Image], ["1", "2"], ["a", "b"])).Message, StringComparison.Ordinal);
    }

    private static RgbImage Image => new(2, 2, new byte[12]);

    private static SimilarityPlot Plot(string[] captions)
    {
        using var matrix = eye(2);
        return new SimilarityPlot(matrix, [Image, Image], ["1.png", "2.png"], captions);
    }
}
