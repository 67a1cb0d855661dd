using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Clip.Export;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Tests.Inference;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Onnx;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Families;

/// <summary>
/// Families whole: a folder as it is published, with tokenizer, recipe and model, opened by <see cref="ClipEncoder.FromPretrained"/> and
/// used by every door of the library. The shapes are those of Reference/families with the vocabulary of a small tokenizer of the family's
/// kind; the weights are random.
/// </summary>
public sealed class WholeFamilyTests : IDisposable
{
    private const string Clips = """{ "image_processor_type": "CLIPImageProcessor", "size": { "shortest_edge": R }, "crop_size": R }""";

    private const string Flexible =
        """{ "image_processor_type": "Siglip2ImageProcessor", "patch_size": 8, "max_num_patches": 16 }""";

    private const string Words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\ncat\n##s\nphoto\nof\n一\n只\n猫\n.\ndog\npizza\n";

    private const string Bytes = """
        { "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
          "post_processor": { "type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": true,
              "add_prefix_space": false },
          "decoder": { "type": "ByteLevel" },
          "model": { "type": "BPE", "unk_token": "<unk>", "merges": ["Ġ a", "a t", "c at", "Ġ cat"], "vocab": { "<s>": 0, "<pad>": 1,
              "</s>": 2, "<unk>": 3, "a": 4, "Ġ": 5, "Ġa": 6, "c": 7, "t": 8, "at": 9, "cat": 10, "Ġcat": 11, "d": 12, "o": 13 } } }
        """;

    private static readonly Dictionary<string, int> Vocabularies = new(StringComparer.Ordinal)
    {
        ["clip"] = 942, ["siglip"] = 506, ["siglip2"] = 1100, ["metaclip2"] = 536, ["xlm_roberta"] = 521, ["bert"] = 16, ["bytes"] = 16,
    };

    private static readonly string[] Texts = ["a cat", "a photo of a cat", "一只猫", "a photo of two dogs, 고양이 and 猫 on a sofa"];

    private readonly string _folder = Directory.CreateTempSubdirectory("whole").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The shape's case, the tokenizer, and Hugging Face's recipe; OpenCLIP's stands in its configuration.</summary>
    public static TheoryData<string, string, string> Families => new()
    {
        { "hf_metaclip2", "metaclip2", Clips },
        { "hf_altclip", "xlm_roberta", Clips },
        { "hf_chineseclip", "bert", Clips.Replace("CLIPI", "ChineseCLIPI", StringComparison.Ordinal) },
        { "hf_siglip", "siglip", """{ "image_processor_type": "SiglipImageProcessor", "size": { "height": R, "width": R } }""" },
        { "hf_siglip2_fixed", "siglip2", """{ "image_processor_type": "SiglipImageProcessor", "size": { "height": R, "width": R } }""" },
        { "hf_siglip2_naflex", "siglip2", Flexible },
        { "oc_siglip_timm", "siglip", "" },
        { "oc_xlm_roberta", "xlm_roberta", "" },
        { "oc_roberta", "bytes", "" },
        { "oc_coca", "clip", "" },
        { "oc_clipa", "clip", "" },
        { "oc_convnext", "clip", "" },
        { "oc_eva02_b", "clip", "" },
        { "oc_pe_core_t", "clip", "" },
        { "oc_mobileclip_s", "clip", "" },
        { "oc_mobileclip2_s3", "clip", "" },
        { "oc_vitamin", "clip", "" },
    };

    [Theory]
    [MemberData(nameof(Families))]
    public void A_familys_folder_serves_every_door(string name, string tokenizer, string recipe)
    {
        using var encoder = Open(name, tokenizer, recipe);
        using var scope = NewDisposeScope();
        RasterImage[] images = [RandomClip.Image(1), RandomClip.Image(2, 40, 16), RandomClip.Image(3, 10, 60)];
        Tensor image = encoder.EncodeImages(images), text = encoder.EncodeTexts(Texts);

        // Neither what stands beside it in a batch nor how long that is changes an embedding.
        for (int i = 0; i < Texts.Length; i++) Near(encoder.EncodeTexts([Texts[i]]), text.narrow(0, i, 1));
        for (int i = 0; i < images.Length; i++) Near(encoder.EncodeImages([images[i]]), image.narrow(0, i, 1));

        using var classifier = new ZeroShotClassifier(encoder, ["cat", "dog", "pizza"]);
        Assert.Equal(encoder.IsSigmoid, classifier.IsIndependent);
        var rows = Close.Rows(classifier.Probabilities(images)).sum(1);
        if (!encoder.IsSigmoid) Near(ones(images.Length), rows);
        Assert.InRange(Retrieval.RecallAt(text.mm(image.t())[..3], 1), 0, 1);

        string recording = Path.Combine(_folder, "parity.safetensors");
        ParityLadder.Record(encoder, images, Texts, recording);
        var report = ParityLadder.Compare(encoder.Model, recording, encoder.Processor);
        Assert.True(report.Agrees && report.Rungs.Count > 5, report.ToString());

        using (var again = Saved(encoder, name))
        {
            Assert.Equal(0, (again.EncodeImages(images) - image).abs().max().ToDouble());
            Assert.Equal(0, (again.EncodeTexts(Texts) - text).abs().max().ToDouble());
            Assert.Equal(encoder.Fingerprint(), again.Fingerprint());
        }

        CompareOnnx(encoder, images, image, text);

        encoder.Prepare(Precision.Float32);
        Near(image, encoder.EncodeImages(images));
        Near(text, encoder.EncodeTexts(Texts));
        encoder.Prepare(Precision.BFloat16);
        // As FamilyTests: a cosine of 0.999 between the prepared form in bfloat16 and the model.
        Assert.True((image * encoder.EncodeImages(images)).sum(1).min().ToDouble() > 0.999);
        Assert.True((text * encoder.EncodeTexts(Texts)).sum(1).min().ToDouble() > 0.999);
    }

    /// <summary>The family's graphs on ONNX Runtime, behind the same face.</summary>
    private void CompareOnnx(ClipEncoder encoder, RasterImage[] images, Tensor image, Tensor text)
    {
        string folder = Path.Combine(_folder, "onnx");
        OnnxExport.Write(Path.Combine(_folder, "model"), folder);
        using var onnx = OnnxClipEncoder.FromPretrained(folder);
        Near(image, tensor(onnx.EmbedImages(images).SelectMany(row => row).ToArray(), image.shape));
        Near(text, tensor(onnx.EmbedTexts(Texts).SelectMany(row => row).ToArray(), text.shape));
        Assert.Equal((encoder.IsSigmoid, encoder.Width), (onnx.IsSigmoid, onnx.Width));
        Assert.Equal(encoder.Scale, onnx.Scale, 1e-3 * encoder.Scale);
        Assert.Equal(encoder.Bias, onnx.Bias, 1e-2);
    }

    [Fact]
    public void NaFlex_takes_any_proportions_and_budget_and_refuses_a_recipe_of_other_patches()
    {
        using var encoder = Open("hf_siglip2_naflex", "siglip2", Flexible);
        using var scope = NewDisposeScope();
        // A square that is as large as the budget needs no resize: as patches it is what it is as pixels.
        var square = RandomClip.Image(4, 32, 32);
        var pixels = (tensor(square.ToRgbBytes(), [32, 32, 3]).to(float32) / 255f - 0.5f) / 0.5f;
        using (no_grad())
        {
            Near(encoder.EncodeImages([square]), nn.functional.normalize(
                encoder.Model.EncodeImage(pixels.permute(2, 0, 1).unsqueeze(0).contiguous()), p: 2, dim: -1));
        }
        string folder = Path.Combine(_folder, "model");
        using (var larger = ClipEncoder.FromPretrained(folder, CPU, imageSize: 64))
        {
            Assert.Equal([1L, 64, 194], larger.Processor.Images([square]).shape);
            Assert.Equal([1L, 48], larger.EncodeImages([square]).shape);
        }
        File.WriteAllText(Path.Combine(folder, "preprocessor_config.json"), Flexible.Replace("8,", "16,", StringComparison.Ordinal));
        var refusal = Assert.Throws<InvalidDataException>(() => ClipEncoder.FromPretrained(folder, CPU));
        Assert.Contains("cuts patches of 16 pixels a side for SigLIP 2 NaFlex, and the model takes patches of 8", refusal.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_size_that_the_models_stem_does_not_take_is_refused_when_it_is_opened()
    {
        using (Open("oc_vitamin", "clip", ""))
        {
        }
        string folder = Path.Combine(_folder, "model");
        using (var larger = ClipEncoder.FromPretrained(folder, CPU, imageSize: 48))
        using (var embedded = larger.EncodeImages([RandomClip.Image(1)])) Assert.Equal(1, embedded.shape[0]);
        Assert.Contains("multiple of 16 pixels", Assert.Throws<ArgumentOutOfRangeException>(
            () => ClipEncoder.FromPretrained(folder, CPU, imageSize: 40)).Message, StringComparison.Ordinal);
    }

    /// <summary>By the towers, and by the whole graph where it is alone. The least cosines are GraphComparison's.</summary>
    [Theory]
    [InlineData(OnnxWeights.Float32, ExportPrecision.Float32, 1 - 1e-6)]
    [InlineData(OnnxWeights.Float16, ExportPrecision.Float16, 0.9995)]
    [InlineData(OnnxWeights.Int8, ExportPrecision.Int8, 0.99)]
    public void NaFlexs_graphs_embed_image_files_of_any_proportions_as_the_library_does(OnnxWeights weights, ExportPrecision precision,
        double cosine)
    {
        using var encoder = Open("hf_siglip2_naflex", "siglip2", Flexible);
        (int Width, int Height)[] sizes = [(32, 32), (100, 10), (9, 70), (48, 33), (320, 240)];
        var images = new RasterImage[sizes.Length];
        foreach (var (i, (width, height)) in sizes.Index())
        {
            string file = Path.Combine(_folder, $"{width}x{height}.png");
            RandomClip.Image(i, width, height).SavePng(file);
            images[i] = RasterImage.Load(file);
        }
        float[][] expected = encoder.EmbedImages(images), captions = encoder.EmbedTexts(Texts);
        string folder = Path.Combine(_folder, "onnx");
        OnnxExport.Write(Path.Combine(_folder, "model"), folder, [precision]);
        Compare();
        foreach (string tower in Directory.GetFiles(Path.Combine(folder, "onnx"), "*_model*")) File.Delete(tower);
        Compare();

        void Compare()
        {
            using var onnx = OnnxClipEncoder.FromPretrained(folder, new OnnxOptions { Weights = weights });
            foreach (var (e, a) in expected.Concat(captions).Zip(onnx.EmbedImages(images).Concat(onnx.EmbedTexts(Texts))))
                Assert.InRange(e.Zip(a).Sum(pair => (double)pair.First * pair.Second), cosine, 1 + 1e-6);
            if (precision != ExportPrecision.Float32) return;
            Near(tensor(expected.SelectMany(row => row).ToArray()), tensor(onnx.EmbedImages(images).SelectMany(row => row).ToArray()));
        }
    }

    [Fact]
    public void NaFlexs_graphs_refuse_a_recipe_of_other_images_and_patches_that_stand_nowhere()
    {
        string folder = Path.Combine(_folder, "onnx"), recipe = Path.Combine(folder, "preprocessor_config.json");
        using (Open("hf_siglip2_naflex", "siglip2", Flexible)) OnnxExport.Write(Path.Combine(_folder, "model"), folder);
        using (var onnx = OnnxClipEncoder.FromPretrained(folder))
        {
            float[] nowhere = [.. Enumerable.Repeat(-1f, onnx.Processor.Transform.Length)];
            Assert.Contains("Image 0 is 0 × 0 patches; 1 to 16 in all are possible",
                Assert.Throws<ArgumentException>(() => onnx.EmbedPixels([nowhere])).Message, StringComparison.Ordinal);
        }
        Refused(Flexible.Replace("8,", "16,", StringComparison.Ordinal), "(B, 16, 768)");
        Refused("""{ "image_processor_type": "SiglipImageProcessor", "size": { "height": 32, "width": 32 } }""", "(B, 3, 32, 32)");

        void Refused(string text, string made)
        {
            File.WriteAllText(recipe, text);
            string message = Assert.Throws<CheckpointException>(() => OnnxClipEncoder.FromPretrained(folder).Dispose()).Message;
            Assert.Contains($"takes \"pixel_values\" as (any, any, 192); {made}, what the model's recipe makes of images", message,
                StringComparison.Ordinal);
        }
    }

    /// <summary>float32 sums in another order: batches of other sizes, the prepared forms.</summary>
    private static void Near(Tensor expected, Tensor actual) =>
        Assert.True((expected - actual).abs().max().ToDouble() < 2e-5, $"off by {(expected - actual).abs().max().ToDouble()}");

    private ClipEncoder Open(string name, string tokenizer, string recipe)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "model")).FullName;
        using var family = FamilyCase.Write(name, folder);
        WriteTokenizer(folder, tokenizer);
        ClipConfig config;
        using (var model = ClipCheckpoint.FromPretrained(folder)) config = model.Config;
        int vocabulary = Vocabularies[tokenizer];
        manual_seed(7);
        using (var model = new ClipModel(config with
        {
            Text = config.Text with { VocabularySize = vocabulary, EndOfTextId = tokenizer == "metaclip2" ? 2 : null },
        })) ClipCheckpoint.SavePretrained(model, folder, family.IsOpenClip ? CheckpointLayout.OpenClip : CheckpointLayout.HuggingFace);
        if (family.IsOpenClip)
        {
            if (tokenizer.StartsWith("siglip", StringComparison.Ordinal)) NameTokenizer(Path.Combine(folder, "open_clip_config.json"));
        }
        else
        {
            string text = recipe.Replace("R", $"{config.Vision.ImageSize}", StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder, "preprocessor_config.json"), text);
        }
        return ClipEncoder.FromPretrained(folder, CPU);
    }

    /// <summary>The model saved elsewhere, with the files of its processor beside it.</summary>
    private ClipEncoder Saved(ClipEncoder encoder, string name)
    {
        string folder = Path.Combine(_folder, "saved"), from = Path.Combine(_folder, "model");
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(from).Where(file => !file.EndsWith(".safetensors", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        bool openClip = name.StartsWith("oc_", StringComparison.Ordinal);
        ClipCheckpoint.SavePretrained(encoder.Model, folder, openClip ? CheckpointLayout.OpenClip : CheckpointLayout.HuggingFace);
        return ClipEncoder.FromPretrained(folder, CPU);
    }

    private static void WriteTokenizer(string folder, string tokenizer)
    {
        switch (tokenizer)
        {
            case "clip":
                foreach (string file in new[] { "vocab.json", "merges.txt" })
                    File.Copy(Path.Combine(Repository.Root, "data", "models", "tiny-clip", file), Path.Combine(folder, file));
                return;
            case "bert": File.WriteAllText(Path.Combine(folder, "vocab.txt"), Words); return;
            case "bytes": File.WriteAllText(Path.Combine(folder, "tokenizer.json"), Bytes); return;
        }
        foreach (string file in new[] { "tokenizer.json", "tokenizer_config.json" })
            File.Copy(Repository.Reference("families", "tokenizers", tokenizer, file), Path.Combine(folder, file));
    }

    /// <summary>As OpenCLIP's configurations of SigLIP have it.</summary>
    private static void NameTokenizer(string path)
    {
        var config = JsonNode.Parse(File.ReadAllText(path))!;
        config["model_cfg"]!["text_cfg"]!["hf_tokenizer_name"] = "timm/ViT-B-16-SigLIP";
        config["model_cfg"]!["text_cfg"]!["tokenizer_kwargs"] = new JsonObject { ["clean"] = "canonicalize" };
        File.WriteAllText(path, config.ToJsonString());
    }
}
