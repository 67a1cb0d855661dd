using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Clip.Tests.Images;

/// <summary>
/// SigLIP 2 NaFlex: images of any proportions as patches. The grids were worked out in Python by the rule of transformers 5.12.1
/// (<c>get_image_size_for_max_num_patches</c>); the resize itself is the one that is held against Pillow elsewhere.
/// </summary>
public sealed class PatchRecipeTests
{
    private const string Recipe = """
        { "image_processor_type": "Siglip2ImageProcessor", "do_resize": true, "do_rescale": true, "rescale_factor": 0.00392156862745098,
          "do_normalize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "do_convert_rgb": null, "resample": 2,
          "patch_size": PATCH, "max_num_patches": MOST }
        """;

    [Theory]
    [InlineData(64, 64, 16, 256, 16, 16)]
    [InlineData(640, 480, 16, 256, 14, 18)]
    [InlineData(480, 640, 16, 256, 18, 14)]
    [InlineData(1000, 100, 16, 256, 5, 50)]
    [InlineData(3000, 20, 16, 256, 1, 150)]
    [InlineData(5, 4000, 16, 256, 256, 1)]
    [InlineData(1920, 1080, 16, 1024, 24, 42)]
    [InlineData(17, 31, 16, 1024, 42, 24)]
    [InlineData(1, 1, 16, 256, 7, 7)]
    [InlineData(3000, 20, 8, 16, 1, 16)]
    [InlineData(1920, 1080, 14, 100, 7, 13)]
    // By hand, with s the scale and sides rounded up: 500 × 333 pixels are 31.25 s columns and 20.8125 s rows, up to s = 0.608 of them 19
    // and 13, 247 patches, and past it 20 and 13, 260. 300 × 900 pixels are 18.75 s columns and 56.25 s rows: up to s = 0.48 they are 9
    // and 27, past it 10 and 28.
    [InlineData(500, 333, 16, 256, 13, 19)]
    [InlineData(300, 900, 16, 256, 27, 9)]
    // Here the largest grid, 10 × 24, begins within 1e-5 of the scale at which it ends: the search, which halves an interval until that
    // is its length, stops before it.
    [InlineData(3388, 1473, 16, 256, 10, 23)]
    [InlineData(2371, 2879, 16, 256, 17, 14)]
    public void The_grid_is_the_largest_within_the_budget(int width, int height, int patch, int most, int rows, int columns)
    {
        using var image = RasterImage.FromRgb(width, height, new byte[3 * width * height]);
        using var resized = new ClipImageTransform(Load(patch, most)).Crop(image);
        Assert.Equal((columns * patch, rows * patch), (resized.Width, resized.Height));
    }

    [Fact]
    public void A_patch_is_its_pixels_by_row_column_and_colour_and_then_its_place()
    {
        // 3 by 2 patches of 4 pixels: the image has their size already, so that the resize changes nothing.
        byte[] pixels = new byte[12 * 8 * 3];
        new Random(1).NextBytes(pixels);
        var transform = new ClipImageTransform(Load(patch: 4, most: 7));
        Assert.Equal([7L, 50], transform.Shape);
        float[] values = transform.Apply(RasterImage.FromRgb(12, 8, pixels));
        Assert.Equal(transform.Length, values.Length);
        for (int row = 0; row < 2; row++)
        {
            for (int column = 0; column < 3; column++)
            {
                var patch = values.AsSpan(50 * (3 * row + column), 50);
                for (int y = 0; y < 4; y++)
                    for (int x = 0; x < 4; x++)
                        for (int colour = 0; colour < 3; colour++)
                        {
                            byte value = pixels[3 * ((4 * row + y) * 12 + 4 * column + x) + colour];
                            Assert.Equal((value / 255f - 0.5f) / 0.5f, patch[3 * (4 * y + x) + colour]);
                        }
                Assert.Equal([row, column], patch[48..].ToArray());
            }
        }
        Assert.Equal([.. new float[48], -1, -1], values[300..]);
    }

    [Fact]
    public void What_the_file_leaves_out_has_the_value_of_transformers_class()
    {
        using var folder = new TemporaryFile("{ \"image_processor_type\": \"Siglip2ImageProcessorFast\" }");
        var config = ImageTransformConfig.Load(folder.Path);
        Assert.Equal(((16, 256), Interpolation.Bilinear, 256), (config.Patches!.Value, config.Interpolation, config.Size));
        Assert.Equal([0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f], config.Mean.Concat(config.Std));
        config.Save(folder.Path);
        var saved = ImageTransformConfig.Load(folder.Path);
        Assert.Equal(config with { Mean = saved.Mean, Std = saved.Std }, saved);
    }

    private static ImageTransformConfig Load(int patch, int most)
    {
        string text = Recipe.Replace("PATCH", $"{patch}", StringComparison.Ordinal).Replace("MOST", $"{most}", StringComparison.Ordinal);
        using var file = new TemporaryFile(text);
        return ImageTransformConfig.Load(file.Path);
    }

    private sealed class TemporaryFile : IDisposable
    {
        internal TemporaryFile(string text) => File.WriteAllText(Path, text);

        internal string Path { get; } = System.IO.Path.GetTempFileName();

        public void Dispose() => File.Delete(Path);
    }
}
