using System.Runtime.Loader;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Views;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Tests.Views;

public sealed class SimilarityMatrixTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    private static RasterImage Plain(byte shade) => RasterImage.FromRgb(8, 6, [.. Enumerable.Repeat(shade, 3 * 8 * 6)]);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Both_files_are_written_whole_and_nothing_beside_them()
    {
        string html = Path.Combine(_folder, "plot.html"), png = Path.Combine(_folder, "plot.png");
        SimilarityMatrix view = new(eye(2), [Plain(0), Plain(200)], ["black", "<i>gray</i>"], "Title");
        view.SaveHtml(html);
        view.SavePng(png);

        Assert.Equal([html, png], Directory.GetFiles(_folder).Order());
        string page = File.ReadAllText(html);
        Assert.Contains("plotly.js v2.28", page, StringComparison.Ordinal);
        Assert.Contains("<title>Title</title>", page, StringComparison.Ordinal);
        foreach (string wrong in new[] { "<i>gray", "<script src", "<link" }) Assert.DoesNotContain(wrong, page, StringComparison.Ordinal);
        var picture = RasterImage.Load(png);
        Assert.InRange(picture.Width, 400, 1000);
        Assert.InRange(picture.Height, 300, 800);
    }

    [Fact]
    public void The_picture_has_the_ends_of_the_colour_scale_in_its_cells()
    {
        string png = Path.Combine(_folder, "plot.png");
        new SimilarityMatrix(eye(2), [Plain(0), Plain(0)], ["c", "d"], "Title").SavePng(png);
        var pixels = RasterImage.Load(png).ToRgbBytes().Chunk(3).Select(p => (p[0], p[1], p[2])).ToArray();

        // Viridis begins at (68, 1, 84) and ends at (253, 231, 37); two cells each, most of 184 × 160 pixels a cell.
        Assert.InRange(pixels.Count(p => p == (68, 1, 84)), 2 * 20_000, 2 * 29_440);
        Assert.InRange(pixels.Count(p => p == (253, 231, 37)), 2 * 20_000, 2 * 29_440);
    }

    [Fact]
    public void The_description_names_each_images_best_caption()
    {
        string text = new SimilarityMatrix(tensor(new float[,] { { 0, 1 }, { 1, 0 } }), [Plain(0), Plain(1)], ["cat.png", "dog.png"],
            ["a dog", "a cat"], "Title", "").Description;
        Assert.Contains("cat.png: \"a cat\"; dog.png: \"a dog\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new SimilarityMatrix(eye(2), [Plain(0)], ["a", "b"], ["c", "d"], "", ""));
        var problem = Assert.Throws<ArgumentException>(() => new SimilarityMatrix(eye(2), [Plain(0), Plain(0)], ["c"], ""));
        Assert.Contains("2 row names and 1 column names, but the tensor's shape is (2, 2)", problem.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new SimilarityMatrix(zeros(0, 0), [], [], ""));
    }

    [Fact]
    public void The_picture_has_its_title_and_its_captions_in_ink()
    {
        int Ink(string caption)
        {
            string path = Path.Combine(_folder, "ink.png");
            new SimilarityMatrix(eye(2), [Plain(255), Plain(255)], [caption, caption], "").SavePng(path);
            var image = RasterImage.Load(path);
            // Above the cells, which begin at two lines' height below the margin (2 × 28 pixels).
            byte[] rgb = image.ToRgbBytes();
            return Enumerable.Range(0, image.Width * 100).Count(i => rgb[3 * i] < 100);
        }
        // Two captions of eleven letters at twice 13 pixels: some thousand dark pixels; none if the font draws nothing.
        Assert.Equal(0, Ink(" "));
        Assert.InRange(Ink("a black dog"), 800, 20_000);
    }

    [Fact]
    public void Plotly_is_loaded_apart()
    {
        new SimilarityMatrix(eye(1), [Plain(0)], ["b"], "Title").SaveHtml(Path.Combine(_folder, "plot.html"));
        Assert.Contains(AppDomain.CurrentDomain.GetAssemblies(), a => a.GetName().Name == "Plotly.NET");
        Assert.DoesNotContain(AssemblyLoadContext.Default.Assemblies, a => a.GetName().Name is "Plotly.NET" or "FSharp.Core");
    }
}
