using System.Text.Json;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Inference;

/// <summary>
/// Families whole: a folder with tokenizer, recipe and model gives an encoder. Weights are random; what is held is that texts reach the
/// tower as the rows that the reference has (families/tokenizers), and that a sigmoid model gives a sigmoid's probabilities.
/// </summary>
public sealed class FamilyEncoderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("families").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("siglip", 506, 1, "siglip_row")]
    [InlineData("siglip2", 1100, 0, "siglip2_row")]
    public void Texts_reach_the_tower_as_the_references_rows(string family, int vocabulary, int padding, string key)
    {
        using var encoder = Open(family, vocabulary, padding);
        var lines = File.ReadLines(Reference(family, "ids.jsonl")).Take(60).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        long[] rows = [.. lines.SelectMany(line => line.GetProperty(key).EnumerateArray().Select(id => id.GetInt64()))];
        var expected = nn.functional.normalize(encoder.Model.EncodeText(tensor(rows, [lines.Count, 64])), p: 2, dim: -1);
        var actual = encoder.EncodeTexts([.. lines.Select(line => line.GetProperty("text").GetString()!)]);
        // Sums of float32 in another order, as batches of other sizes take them.
        Assert.True((expected - actual).abs().max().ToDouble() < 1e-5);
    }

    [Fact]
    public void A_sigmoid_model_gives_each_class_a_probability_of_its_own()
    {
        using var encoder = Open("siglip", 506, 1);
        Assert.True(encoder.IsSigmoid);
        using var classifier = new ZeroShotClassifier(encoder, ["cat", "dog", "pizza"]);
        Assert.True(classifier.IsIndependent);
        Assert.False(classifier.MultiLabel);
        using var scope = NewDisposeScope();
        var images = new[] { RandomClip.Image(1), RandomClip.Image(2) };
        var logits = encoder.LogitsPerImage(images, ["a photo of a cat.", "a photo of a dog.", "a photo of a pizza."]);
        Assert.True((Close.Rows(classifier.Probabilities(images)) - logits.sigmoid()).abs().max().ToDouble() < 1e-6);
        using var several = new ZeroShotClassifier(encoder, ["cat", "dog", "pizza"], multiLabel: true);
        Assert.True(several.MultiLabel);
        Assert.True((Close.Rows(several.Probabilities(images)) - logits.sigmoid()).abs().max().ToDouble() < 1e-6);
    }

    private ClipEncoder Open(string family, int vocabulary, int padding)
    {
        random.manual_seed(5);
        var whole = ClipConfig.SiglipBasePatch16;
        using (var model = new ClipModel(whole with
        {
            EmbeddingWidth = 32,
            Vision = whole.Vision with
            {
                ImageSize = 32, PatchSize = 16, Width = 32, Layers = 1, Heads = 2, MlpWidth = 64,
                AttentionPool = new AttentionPoolConfig { Heads = 2, MlpWidth = 64 },
            },
            Text = whole.Text with { VocabularySize = vocabulary, Width = 32, Layers = 1, Heads = 2, MlpWidth = 64, PaddingId = padding },
        }))
            ClipCheckpoint.SavePretrained(model, _folder);
        foreach (string file in new[] { "spiece.model", "tokenizer.json", "tokenizer_config.json" })
            if (File.Exists(Reference(family, file))) File.Copy(Reference(family, file), Path.Combine(_folder, file));
        if (family == "siglip")
            File.Copy(Reference(family, "tokenizer_config.siglip_class.json"), Path.Combine(_folder, "tokenizer_config.json"),
                overwrite: true);
        const string recipe =
            """{ "image_processor_type": "SiglipImageProcessor", "size": { "height": 32, "width": 32 }, "resample": 3 }""";
        File.WriteAllText(Path.Combine(_folder, "preprocessor_config.json"), recipe);
        return ClipEncoder.FromPretrained(_folder, CPU);
    }

    private static string Reference(string family, string file) => Repository.Reference("families", "tokenizers", family, file);
}
