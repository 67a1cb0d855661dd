using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Inference.Prepared;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Inference;

/// <summary>A model for embedding alone, read without libtorch where it is CLIP's own, held against the same with it.</summary>
public sealed class ForInferenceTests : IDisposable
{
    private const string NoAvx = "The processor has neither AVX-512 nor AVX2: every model is opened with libtorch.";

    private static readonly string Tiny = Path.Combine(Repository.Root, "data", "models", "tiny-clip");

    private readonly string _folder = Directory.CreateTempSubdirectory("for-inference").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(CheckpointLayout.HuggingFace, ScalarType.Float32, Activation.QuickGelu, null)]
    [InlineData(CheckpointLayout.HuggingFace, ScalarType.Float16, Activation.Gelu, null)]
    [InlineData(CheckpointLayout.OpenClip, ScalarType.BFloat16, Activation.QuickGelu, null)]
    [InlineData(CheckpointLayout.OpenClip, ScalarType.Float64, Activation.GeluTanh, null)]
    [InlineData(CheckpointLayout.OpenClip, ScalarType.Float32, Activation.QuickGelu, 0.3)]
    public void Clips_own_towers_are_read_without_libtorch_and_embed_the_same(
        CheckpointLayout layout, ScalarType type, Activation activation, double? layerScale)
    {
        Assert.SkipUnless(Tile.IsSupported, NoAvx);
        Write(layout, type, config => config with
        {
            Activation = activation,
            Vision = config.Vision with { LayerScale = layerScale },
            Text = config.Text with { LayerScale = layerScale },
        });
        using var plain = ClipEncoder.FromPretrained(_folder);
        using var packed = ClipEncoder.ForInference(_folder);
        Assert.IsType<PackedClipEncoder>(packed);

        Assert.Equal((plain.Width, plain.IsSigmoid, plain.Bias, plain.Source),
            (packed.Width, packed.IsSigmoid, packed.Bias, packed.Source));
        Assert.Equal(plain.Scale, packed.Scale, plain.Scale * 1e-6);
        Assert.NotNull(packed.SourceStamp);
        Assert.Equal(plain.SourceStamp, packed.SourceStamp);
        Assert.Equal(plain.Fingerprint(), packed.Fingerprint());

        RasterImage[] images = [.. Enumerable.Range(0, 70).Select(i => RandomClip.Image(i, 20 + i, 30))]; // more than a batch
        string[] texts = ["a cat", "", "two dogs in front of a castle",
            .. images.Select((_, i) => string.Join(' ', Enumerable.Repeat("a", i)))];
        Equal(plain.EmbedImages(images), packed.EmbedImages(images));
        Equal(plain.EmbedTexts(texts), packed.EmbedTexts(texts));
        float[][] pixels = [.. images[..3].Select(image => packed.Processor.Transform.Apply(image))];
        Equal(plain.EmbedPixels(pixels), packed.EmbedPixels(pixels));
    }

    [Fact]
    public void A_model_in_shards_is_read_too()
    {
        Assert.SkipUnless(Tile.IsSupported, NoAvx);
        Write(CheckpointLayout.HuggingFace, ScalarType.Float32, config => config);
        string whole = Path.Combine(_folder, "model.safetensors");
        using (var scope = NewDisposeScope())
        {
            using var file = SafetensorsFile.Open(whole);
            var parts = file.Names.Index().GroupBy(name => name.Index % 2, name => name.Item).ToList();
            var map = new Dictionary<string, string>();
            foreach (var part in parts)
            {
                string name = $"model-0000{part.Key + 1}-of-00002.safetensors";
                SafetensorsFile.Write(Path.Combine(_folder, name), part.ToDictionary(key => key, key => file.Read(key)));
                foreach (string key in part) map[key] = name;
            }
            File.WriteAllText(whole + ".index.json", System.Text.Json.JsonSerializer.Serialize(new { weight_map = map }));
        }
        File.Delete(whole);
        using var plain = ClipEncoder.FromPretrained(_folder);
        using var packed = ClipEncoder.ForInference(_folder);
        Assert.IsType<PackedClipEncoder>(packed);
        Equal(plain.EmbedTexts(["a cat"]), packed.EmbedTexts(["a cat"]));
    }

    [Fact]
    public void Other_towers_and_other_files_are_opened_with_libtorch()
    {
        Write(CheckpointLayout.OpenClip, ScalarType.Float32, config => config with
        {
            Vision = VisionConfig.ResNet(config.Vision.ImageSize, 16, (1, 1, 1, 1)),
        });
        using (var resNet = ClipEncoder.ForInference(_folder)) Assert.IsType<ClipEncoder>(resNet);
        Write(CheckpointLayout.OpenClip, ScalarType.Float32, config => config with { Text = config.Text with { Causal = false } });
        using (var seesAll = ClipEncoder.ForInference(_folder)) Assert.IsType<ClipEncoder>(seesAll);
        Write(CheckpointLayout.OpenClip, ScalarType.Float32, config => config with { HasListedScale = true });
        using (var listed = ClipEncoder.ForInference(_folder)) Assert.IsType<ClipEncoder>(listed);
        Write(CheckpointLayout.HuggingFace, ScalarType.Float32, config => config);
        Change(tensors => tensors["input_resolution"] = tensor(64L));
        using var noted = ClipEncoder.ForInference(_folder);
        Assert.IsType<ClipEncoder>(noted);
    }

    /// <summary>Whichever way a model is opened, files that do not fit each other are refused by the tensor.</summary>
    [Theory]
    [InlineData("logit_scale", "logit_scale is missing")]
    [InlineData("visual_projection.weight", "visual_projection.weight is missing")]
    [InlineData("+ one_more", "one_more is left over")]
    [InlineData("> text_model.final_layer_norm.bias", "text_model.final_layer_norm.bias is (2, 2)")]
    public void Files_that_do_not_fit_each_other_are_refused_by_name(string change, string said)
    {
        Write(CheckpointLayout.HuggingFace, ScalarType.Float32, config => config);
        Change(tensors =>
        {
            if (change[0] is '+' or '>') tensors[change[2..]] = zeros(2, 2);
            else tensors.Remove(change);
        });
        var error = Assert.Throws<CheckpointException>(() => ClipEncoder.ForInference(_folder));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_weight_that_is_no_number_is_named()
    {
        Assert.SkipUnless(Tile.IsSupported, NoAvx);
        Write(CheckpointLayout.HuggingFace, ScalarType.Float32, config => config, model =>
        {
            using var _ = no_grad();
            model.state_dict()["visual.proj"].fill_(float.NaN);
        });
        using var packed = ClipEncoder.ForInference(_folder);
        var error = Assert.Throws<NonFiniteException>(() => packed.EmbedImages([RandomClip.Image(1)], ["first.png"]));
        Assert.StartsWith($"The model {_folder} gives NaN for first.png: its weight visual.proj", error.Message);
        Assert.Equal("visual.proj", error.Weight);
        packed.EmbedTexts(["a cat"]);
        error = Assert.Throws<NonFiniteException>(() => packed.EmbedPixels([[.. Enumerable.Repeat(float.NaN, 3 * 64 * 64)]]));
        Assert.Contains("image 1 of 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_scale_that_is_no_number_is_refused()
    {
        Write(CheckpointLayout.HuggingFace, ScalarType.Float32, config => config, model =>
        {
            using var _ = no_grad();
            model.LogitScale.fill_(float.PositiveInfinity);
        });
        using var packed = ClipEncoder.ForInference(_folder);
        Assert.Contains("scale", Assert.Throws<NonFiniteException>(() => packed.Scale).Message, StringComparison.Ordinal);
        packed.EmbedTexts(["a cat"]);
    }

    [Fact]
    public void It_is_refused_when_disposed_and_by_what_cannot_be_embedded()
    {
        var packed = ClipEncoder.ForInference(Tiny);
        Assert.Throws<ArgumentException>(() => packed.EmbedImages([]));
        Assert.Throws<ArgumentException>(() => packed.EmbedTexts([]));
        Assert.Throws<ArgumentException>(() => packed.EmbedPixels([]));
        Assert.Throws<ArgumentException>(() => packed.EmbedPixels([[1, 2, 3]]));
        packed.Dispose();
        packed.Dispose();
        Assert.Throws<ObjectDisposedException>(() => packed.EmbedTexts(["a cat"]));
        Assert.Throws<ObjectDisposedException>(() => packed.EmbedImages([RandomClip.Image(1)]));
        Assert.Throws<ObjectDisposedException>(() => packed.Scale);
        Assert.Throws<ObjectDisposedException>(() => packed.Fingerprint());
    }

    /// <summary>Its square is above 0; divided by its length, which float32 does not hold, it would be infinite.</summary>
    [Fact]
    public void A_row_that_is_nearly_nothing_is_refused()
    {
        Assert.SkipUnless(Tile.IsSupported, NoAvx);
        Write(CheckpointLayout.HuggingFace, ScalarType.Float32, config => config, model =>
        {
            using var _ = no_grad();
            model.state_dict()["text_projection"].fill_(1e-40f);
        });
        using var packed = ClipEncoder.ForInference(_folder);
        var error = Assert.Throws<NonFiniteException>(() => packed.EmbedTexts(["a cat"]));
        Assert.Contains("gives nothing but zeros for the caption \"a cat\": its weights are sound", error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_that_were_changed_after_they_were_read_give_no_fingerprint_also_behind_a_link()
    {
        Assert.SkipUnless(Tile.IsSupported, NoAvx);
        Write(CheckpointLayout.HuggingFace, ScalarType.Float32, config => config);
        string file = Path.Combine(_folder, "model.safetensors"), elsewhere = Path.Combine(_folder, "elsewhere");
        File.Move(file, elsewhere);
        File.CreateSymbolicLink(file, elsewhere);
        using var packed = ClipEncoder.ForInference(_folder);
        string before = packed.Fingerprint();
        File.WriteAllText(Path.Combine(_folder, "adapter_model.safetensors"), "not the model's");
        Assert.Equal(before, packed.Fingerprint());
        File.SetLastWriteTimeUtc(elsewhere, DateTime.UtcNow.AddMinutes(-5));
        Assert.Contains("Open it again", Assert.Throws<IOException>(packed.Fingerprint).Message, StringComparison.Ordinal);
        File.Delete(elsewhere);
        var error = Assert.Throws<NonFiniteException>(() => packed.EmbedPixels([[.. Enumerable.Repeat(float.NaN, 3 * 64 * 64)]]));
        Assert.Contains("its files cannot be looked at any more", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Sums of float32 in another order.</summary>
    private static void Equal(float[][] expected, float[][] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), rows => Assert.InRange(rows.First.Zip(rows.Second, (a, b) => Math.Abs(a - b)).Max(), 0, 2e-6));
    }

    private void Change(Action<Dictionary<string, Tensor>> change)
    {
        string path = Path.Combine(_folder, "model.safetensors");
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors;
        using (var file = SafetensorsFile.Open(path)) tensors = file.Names.ToDictionary(name => name, name => file.Read(name));
        change(tensors);
        SafetensorsFile.Write(path, tensors);
    }

    /// <summary>Writes a model of the embedded one's sizes with random weights, and its tokenizer and recipe.</summary>
    private void Write(CheckpointLayout layout, ScalarType type, Func<ClipConfig, ClipConfig> change, Action<ClipModel>? spoil = null)
    {
        foreach (string file in Directory.GetFiles(_folder)) File.Delete(file);
        ClipConfig config;
        using (var tiny = ClipCheckpoint.FromPretrained(Tiny)) config = tiny.Config;
        manual_seed(3);
        using var model = new ClipModel(change(config));
        spoil?.Invoke(model);
        model.to(type);
        CheckpointFolder.CopyCompanions(Tiny, _folder);
        ClipCheckpoint.SavePretrained(model, _folder, layout);
    }
}
