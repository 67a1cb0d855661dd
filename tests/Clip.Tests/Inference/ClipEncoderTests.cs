using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Inference;

public sealed class ClipEncoderTests(ITestOutputHelper output)
{
    private static readonly string TinyClip = Path.Combine(Repository.Root, "data", "models", "tiny-clip");

    private static byte[]? _garbage;

    [Fact]
    public void A_model_opened_at_another_resolution_prepares_and_encodes_images_at_it()
    {
        using var scope = NewDisposeScope();
        using var own = ClipEncoder.FromPretrained(TinyClip, CPU);
        using var larger = ClipEncoder.FromPretrained(TinyClip, CPU, imageSize: 2 * own.Model.Config.Vision.ImageSize);
        using var same = ClipEncoder.FromPretrained(TinyClip, CPU, imageSize: own.Model.Config.Vision.ImageSize);
        var image = RandomClip.Image(1, 90, 70);
        Assert.Equal([1L, 3, 2 * own.Model.Config.Vision.ImageSize, 2 * own.Model.Config.Vision.ImageSize],
            larger.Processor.Images([image]).shape);
        Assert.Equal(own.EncodeImages([image]).shape, larger.EncodeImages([image]).shape);
        Close.Relative(own.EncodeImages([image]), same.EncodeImages([image]), 1e-6); // the same arithmetic
    }

    [Theory]
    [InlineData("the embedded model")]
    [InlineData("ViT-B/32, random weights")]
    public void Memory_holds_steady_over_10_000_images(string model)
    {
        if (Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") != "1") Assert.Skip("10,000 images are encoded with CLIP_LONG_TESTS=1.");
        const int batch = 64, warm = 30, batches = 157;
        using var clip = model == "the embedded model" ? ClipEncoder.FromPretrained(TinyClip, CPU)
            : new ClipEncoder(new ClipModel(ClipConfig.ViTB32),
                new ClipProcessor(new ClipImageTransform(new ImageTransformConfig()), ClipTokenizer.Load(TinyClip, 77)));
        clip.Prepare();
        var images = Enumerable.Range(0, batch).Select(i => RandomClip.Image(i, 320, 240)).ToArray();
        long before = 0, live = 0, most = 0;
        for (int i = 0; i < batches; i++)
        {
            clip.EncodeImages(images).Dispose();
            // Arrays that wait for the collector come and go by some 20 MB from one batch to the next: the warm-up's highest is what later
            // ones are held against.
            if (i < warm) (before, live) = (Math.Max(before, Environment.WorkingSet),
                DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
            else most = Math.Max(most, Environment.WorkingSet);
        }
        output.WriteLine($"{model}: at most {before / 1e6:0} MB in the first {warm * batch} images, at most {most / 1e6:0} MB until " +
            $"{batches * batch}");
        Assert.Equal(live, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
        Assert.InRange((most - before) / 1e6, -1e6, 50);
    }

    /// <summary>
    /// By default .NET waits until garbage fills a good part of the last cache, which makes memory grow by as much while images are encoded
    /// (System.GC.Gen0MaxBudget, environment/build/Common.props).
    /// </summary>
    [Fact]
    public void Garbage_does_not_pile_up_with_the_size_of_the_processors_cache()
    {
        int before = GC.CollectionCount(0);
        for (int i = 0; i < 64_000; i++) _garbage = new byte[1000];
        Assert.NotNull(_garbage);
        Assert.InRange(GC.CollectionCount(0) - before, 10, int.MaxValue);
    }

    /// <summary>What <see cref="Precision.Auto"/> may choose is within what its documentation says.</summary>
    [Fact]
    public void In_bfloat16_the_embedded_model_sees_the_sample_images_as_in_float32()
    {
        using var scope = NewDisposeScope();
        using var clip = ClipEncoder.FromPretrained(TinyClip, CPU);
        var images = Directory.GetFiles(Path.Combine(Repository.Root, "data", "images"), "*.png").Order(StringComparer.Ordinal).Select(
            RasterImage.Load).ToArray();
        string[] texts = ["a photo of a cat.", "a photo of a house.", "a photo of a pizza.", "a photo of a tree.", "a photo of a sailboat.",
            "a photo of a beach."];
        var (image, text) = (clip.EncodeImages(images), clip.EncodeTexts(texts));
        clip.Prepare(Precision.BFloat16);
        var (fastImage, fastText) = (clip.EncodeImages(images), clip.EncodeTexts(texts));
        Assert.InRange((image * fastImage).sum(1).min().ToDouble(), 0.999, 1.001);
        Assert.InRange((text * fastText).sum(1).min().ToDouble(), 0.999, 1.001);
        // Of most images none of the six is a name, and two may lie within the drift.
        Assert.InRange(image.mm(text.T).argmax(1).eq(fastImage.mm(fastText.T).argmax(1)).to(float32).mean().ToDouble(), 0.95, 1);
    }

    [Fact]
    public void A_model_in_half_precision_sees_images_without_being_prepared()
    {
        using var scope = NewDisposeScope();
        using ClipEncoder whole = RandomClip.Create(), half = RandomClip.Create();
        half.Model.to(ScalarType.BFloat16);
        RasterImage[] images = [RandomClip.Image(1), RandomClip.Image(2)];
        var (expected, found) = (whole.EncodeImages(images), half.EncodeImages(images));
        Assert.Equal(ScalarType.Float32, found.dtype);
        Assert.InRange(nn.functional.cosine_similarity(expected, found, 1).min().ToDouble(), 0.999, 1.001);
    }

    [Fact]
    public void A_recipe_is_held_against_the_model_when_the_folder_is_opened()
    {
        string from = Path.Combine(Repository.Root, "data", "models", "tiny-clip"),
            folder = Directory.CreateTempSubdirectory("recipe").FullName;
        try
        {
            foreach (string path in Directory.GetFiles(from)) File.Copy(path, Path.Combine(folder, Path.GetFileName(path)));
            string recipe = Path.Combine(folder, "preprocessor_config.json");
            File.WriteAllText(recipe, File.ReadAllText(recipe).Replace("\"height\": 64", "\"height\": 72", StringComparison.Ordinal)
                .Replace("\"width\": 64", "\"width\": 72", StringComparison.Ordinal));
            var refusal = Assert.Throws<InvalidDataException>(() => ClipEncoder.FromPretrained(folder));
            foreach (string part in new[] { recipe, "\"crop_size\"", "72 pixels", Path.Combine(folder, "config.json"),
                "\"vision_config.image_size\"", "takes 64" })
                Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>transformers' and OpenCLIP's convolution has no place for the rest either.</summary>
    [Fact]
    public void Pixels_past_the_last_whole_patch_are_not_looked_at_in_any_form()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        ClipConfig Shape(int side) => new()
        {
            EmbeddingWidth = 24,
            Vision = new VisionConfig { ImageSize = side, PatchSize = 8, Width = 32, Layers = 1, Heads = 2 },
            Text = new TextConfig { ContextLength = 16, VocabularySize = 100, Width = 32, Layers = 1, Heads = 2 },
        };
        using ClipModel odd = new(Shape(21)), even = new(Shape(16));
        odd.eval();
        even.eval();
        even.load_state_dict(odd.state_dict());
        var pixels = randn(2, 3, 21, 21);
        var expected = even.EncodeImage(pixels.narrow(2, 0, 16).narrow(3, 0, 16).contiguous());
        // Sums of some hundred products, in another order by the prepared form.
        Close.Relative(expected, odd.EncodeImage(pixels), 1e-6);
        using var prepared = PreparedClip.Prepare(odd, Precision.Float32);
        Close.Relative(expected, prepared.EncodeImage(pixels), 1e-5);
    }

    [Fact]
    public void A_resolution_below_one_patch_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ClipEncoder.FromPretrained(TinyClip, CPU, imageSize: 1));
}
