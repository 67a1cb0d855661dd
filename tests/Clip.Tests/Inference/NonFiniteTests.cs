using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Inference;

/// <summary>A model whose numbers are none is refused where it happens: by its name, the image or caption, and the weight.</summary>
public sealed class NonFiniteTests
{
    private const string ImageWeight = "visual.proj", TextWeight = "text_projection";

    private static void Change(ClipEncoder clip, string weight, Action<Tensor> change)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        change(clip.Model.state_dict()[weight]);
    }

    private static void SetNaN(Tensor weight)
    {
        using var place = weight[0];
        place.fill_(float.NaN);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_weight_that_is_no_number_is_named_by_both_towers_in_both_forms(bool prepared)
    {
        using var scope = NewDisposeScope();
        using var clip = RandomClip.Create();
        Change(clip, ImageWeight, SetNaN);
        if (prepared) clip.Prepare(Precision.Float32);
        clip.EncodeTexts(["a cat"]);
        string[] names = ["first.png", "second.png"];
        var error = Assert.Throws<NonFiniteException>(() => clip.EncodeImages([RandomClip.Image(1), RandomClip.Image(2)], names));
        Assert.StartsWith("The model gives NaN for first.png: its weight visual.proj (32, 24) holds 24 values that are NaN", error.Message);
        Assert.Contains("Fetch or write it again", error.Message, StringComparison.Ordinal);
        Assert.Equal(ImageWeight, error.Weight);
        var pixels = clip.Processor.Images([RandomClip.Image(1)]);
        error = Assert.Throws<NonFiniteException>(() => clip.EncodePixels(pixels));
        Assert.Contains("for image 1 of 1", error.Message, StringComparison.Ordinal);
        Assert.Throws<NonFiniteException>(() => clip.LogitsPerImage([RandomClip.Image(1)], ["a cat"]));
        Assert.Throws<NonFiniteException>(() => new ZeroShotClassifier(clip, ["cat", "dog"]).Classify(RandomClip.Image(1)));
    }

    [Fact]
    public void No_recording_is_made_of_a_damaged_model_and_none_held_against_it()
    {
        using var sound = RandomClip.Create();
        using var damaged = RandomClip.Create();
        string folder = Directory.CreateTempSubdirectory("parity").FullName, path = Path.Combine(folder, "parity.safetensors");
        try
        {
            Change(damaged, ImageWeight, SetNaN);
            var error = Assert.Throws<NonFiniteException>(() => ParityLadder.Record(damaged, [RandomClip.Image(1)], ["a cat"], path));
            Assert.StartsWith("The model gives no finite numbers for \"encode_image\": its weight visual.proj", error.Message);
            Assert.Empty(Directory.GetFiles(folder));
            ParityLadder.Record(sound, [RandomClip.Image(1)], ["a cat"], path);
            Assert.Throws<NonFiniteException>(() => ParityLadder.Compare(damaged.Model, path));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_caption_is_quoted_in_part(bool prepared)
    {
        using var clip = RandomClip.Create();
        Change(clip, TextWeight, SetNaN);
        if (prepared) clip.Prepare(Precision.Float32);
        var error = Assert.Throws<NonFiniteException>(() => clip.EncodeTexts([new string('x', 1000)]));
        Assert.Contains($"for the caption \"{new string('x', 60)}…\": its weight {TextWeight}", error.Message, StringComparison.Ordinal);
        Assert.Throws<NonFiniteException>(() => new ZeroShotClassifier(clip, ["cat", "dog"]));
    }

    /// <summary>float32's largest is 3.4e38: a length beyond it is infinite, and what is divided by it 0.</summary>
    [Theory]
    [InlineData(3e38f, "NaN")]
    [InlineData(1e30f, "nothing but zeros")]
    [InlineData(0, "nothing but zeros")]
    public void Sound_weights_whose_results_are_too_large_or_nothing_are_told_apart(float factor, string said)
    {
        using var clip = RandomClip.Create();
        Change(clip, ImageWeight, weight =>
        {
            using var by = tensor(factor);
            weight.mul_(by);
        });
        var error = Assert.Throws<NonFiniteException>(() => clip.EncodeImages([RandomClip.Image(1)]));
        Assert.Contains($"gives {said} for image 1 of 1: its weights are sound", error.Message, StringComparison.Ordinal);
        Assert.Contains("clipbook parity", error.Message, StringComparison.Ordinal);
        Assert.Null(error.Weight);
        clip.Prepare(Precision.BFloat16);
        error = Assert.Throws<NonFiniteException>(() => clip.EncodeImages([RandomClip.Image(1)]));
        Assert.Contains("BFloat16 is too narrow", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Pixels_that_are_no_numbers_are_not_blamed_on_the_model()
    {
        using var scope = NewDisposeScope();
        using var clip = RandomClip.Create();
        var pixels = full([1, 3, 16, 16], float.NaN);
        var error = Assert.Throws<NonFiniteException>(() => clip.EncodePixels(pixels));
        Assert.Contains("the pixels are not finite", error.Message, StringComparison.Ordinal);
    }

    /// <summary>The model fails from the third image on, the first of the second batch.</summary>
    [Fact]
    public async Task In_a_stream_an_image_is_named_by_its_place_among_all()
    {
        foreach (bool awaited in new[] { false, true })
        {
            using var clip = RandomClip.Create();
            using var classifier = new ZeroShotClassifier(clip, ["cat", "dog"]);
            var error = await Assert.ThrowsAsync<NonFiniteException>(async () => _ = awaited
                ? await classifier.ClassifyAsync(Stream(clip).ToAsyncEnumerable(), 2).CountAsync()
                : classifier.Classify(Stream(clip), 2).Count());
            Assert.Contains("gives NaN for image 3:", error.Message, StringComparison.Ordinal);
        }

        static IEnumerable<RasterImage> Stream(ClipEncoder clip)
        {
            for (int i = 0; i < 4; i++)
            {
                if (i == 2) Change(clip, ImageWeight, SetNaN);
                yield return RandomClip.Image(i);
            }
        }
    }

    [Fact]
    public void A_scale_that_is_infinite_is_refused()
    {
        using var clip = RandomClip.Create();
        Change(clip, "logit_scale", scale => scale.fill_(1000f));
        Assert.Contains("has the scale", Assert.Throws<NonFiniteException>(() => clip.Scale).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Embeddings_from_elsewhere_and_figures_over_them_take_no_NaN()
    {
        using var scope = NewDisposeScope();
        using var clip = RandomClip.Create();
        using var classifier = new ZeroShotClassifier(clip, ["cat", "dog"]);
        var error = Assert.Throws<ArgumentException>(() => classifier.Probabilities(full([1, 24], float.NaN)));
        Assert.Contains("NaN", error.Message, StringComparison.Ordinal);
        var nothing = full([2, 2], float.NaN);
        Assert.Throws<ArgumentException>(() => Retrieval.RecallAt(nothing, 1));
        Assert.Throws<ArgumentException>(() => RetrievalReport.Measure(nothing, [0, 1]));
        Assert.Throws<ArgumentException>(() => ClassificationReport.Measure(nothing, [0, 1]));
    }
}
