using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Export;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Tests.Inference;
using ClipNotebooks.Clip.Tests.Models;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Export;

/// <summary>A whole model as ONNX: the embedded one.</summary>
public sealed class OnnxExportTests : IDisposable
{
    private static readonly string Model = Path.Combine(Repository.Root, "data", "models", "tiny-clip");

    private readonly string _folder = Directory.CreateTempSubdirectory("onnx").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Output => Path.Combine(_folder, "exported");

    [Fact]
    public void The_folder_is_laid_out_as_transformers_js_and_optimum_have_it()
    {
        var files = OnnxExport.Write(Model, Output, [ExportPrecision.Float32, ExportPrecision.Int8]);
        string[] expected = ["config.json", "merges.txt", "onnx/model.onnx", "onnx/model_quantized.onnx", "onnx/text_model.onnx",
            "onnx/text_model_quantized.onnx", "onnx/vision_model.onnx", "onnx/vision_model_quantized.onnx", "preprocessor_config.json",
            "tokenizer.json", "tokenizer_config.json", "vocab.json"];
        Assert.Equal(expected, files.Select(file => file.Replace('\\', '/')));
        Assert.Equal([Output], Directory.GetFileSystemEntries(_folder));
        using RunGraph vision = new(At("vision_model.onnx")), text = new(At("text_model.onnx")), whole = new(At("model.onnx"));
        Assert.Equal(["pixel_values (batch_size, 3, 64, 64)"], vision.Inputs);
        Assert.Equal(["image_embeds (batch_size, 128)", "last_hidden_state (batch_size, 65, 128)"], vision.Outputs);
        Assert.Equal(["input_ids (batch_size, sequence_length)"], text.Inputs);
        Assert.Equal(["text_embeds (batch_size, 128)", "last_hidden_state (batch_size, sequence_length, 128)"], text.Outputs);
        Assert.Equal(["input_ids (text_batch_size, sequence_length)", "pixel_values (image_batch_size, 3, 64, 64)",
            "attention_mask (text_batch_size, sequence_length)"], whole.Inputs);
        Assert.Equal(["logits_per_image (image_batch_size, text_batch_size)", "logits_per_text (text_batch_size, image_batch_size)",
            "text_embeds (text_batch_size, 128)", "image_embeds (image_batch_size, 128)"], whole.Outputs);
        // 8 bits of 32 but for what is not multiplied: norms, biases, positions, patches.
        Assert.InRange(new FileInfo(At("model_quantized.onnx")).Length / (double)new FileInfo(At("model.onnx")).Length, 0.25, 0.4);
    }

    [Fact]
    public void The_embedded_models_graphs_give_the_librarys_numbers()
    {
        using var encoder = ClipEncoder.FromPretrained(Model, CPU);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        RasterImage[] images = [.. new[] { "cat", "dog", "pizza" }.Select(name =>
            RasterImage.Load(Path.Combine(Repository.Root, "data", "images", $"{name}.png")))];
        var ids = encoder.Processor.Texts(["a cat at night", "two dogs", "a pizza on a table"]);
        GraphComparison.Compare(encoder.Model, encoder.Processor.Images(images), ids, _folder);
    }

    [Theory]
    [InlineData("vit_p8_i32")]
    [InlineData("vit_p14_i28")]
    [InlineData("rn_1111_i64")]
    public void OpenAIs_towers_give_the_references_numbers(string name)
    {
        using var reference = new ReferenceModel(name);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        GraphComparison.Compare(reference.Model, reference.Inputs["images"], reference.Inputs["token_ids"], _folder);
    }

    /// <summary>Where tokens are hidden on the left, as in transformers: the text is the same as without them.</summary>
    [Fact]
    public void The_whole_graph_heeds_the_attention_mask()
    {
        OnnxExport.Write(Model, Output);
        using var scope = NewDisposeScope();
        using var whole = new RunGraph(At("model.onnx"));
        var tokenizer = ClipTokenizer.Load(Model, 32);
        var ids = tensor(tokenizer.Tokenize(["a cat at night"]).Ids).unsqueeze(0);
        var other = ids.clone();
        other[0, 2] = 7;
        var mask = ones_like(ids);
        mask[0, 2] = 0;
        var pixels = zeros(1, 3, 64, 64);
        Tensor Embedded(Tensor row, Tensor seen) =>
            whole.Run(("pixel_values", pixels), ("input_ids", row), ("attention_mask", seen))["text_embeds"];
        Close.Relative(Embedded(ids, mask), Embedded(other, mask), 1e-6);
        Assert.True((Embedded(ids, ones_like(ids)) - Embedded(other, ones_like(ids))).abs().max().ToDouble() > 1e-2);
    }

    /// <summary>tokenizer.json alone, without the files that it was made of, gives CLIP's ids.</summary>
    [Fact]
    public void The_tokenizer_that_is_written_gives_the_ids_of_the_models_own()
    {
        OnnxExport.Write(Model, Output);
        foreach (string file in new[] { "vocab.json", "merges.txt" }) File.Delete(Path.Combine(Output, file));
        string[] texts = ["A photo of a cat, at night!", "two   dogs", "it's pizza: 12 €"];
        Assert.Equal(ClipTokenizer.Load(Model, 32).Tokenize(texts).Ids, ClipTokenizer.Load(Output, 32).Tokenize(texts).Ids);
    }

    /// <summary>
    /// OpenCLIP's own files for who reads those, transformers' beside them where these can say what the model is: not of a ResNet.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_model_of_OpenCLIPs_layout_keeps_its_files_and_has_transformers_where_they_hold_it(bool isResNet)
    {
        string from = Path.Combine(_folder, "openclip");
        using (var encoder = RandomClip.Create())
        {
            var config = encoder.Model.Config;
            using var model = new ClipModel(!isResNet ? config : config with { Vision = VisionConfig.ResNet(32, 8, (1, 1, 1, 1)) });
            ClipCheckpoint.SavePretrained(model, from, CheckpointLayout.OpenClip);
        }
        foreach (string file in new[] { "vocab.json", "merges.txt" }) File.Copy(Path.Combine(Model, file), Path.Combine(from, file));
        var files = OnnxExport.Write(from, Output);
        string[] ofTransformers = ["config.json", "preprocessor_config.json"];
        Assert.Equal(isResNet ? [] : ofTransformers, files.Intersect(ofTransformers));
        Assert.Empty(new[] { "open_clip_config.json", "tokenizer.json", "vocab.json" }.Except(files));
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var read = ClipCheckpoint.FromPretrained(from);
        using var graph = new RunGraph(At("vision_model.onnx"));
        var processor = ClipProcessor.FromPretrained(Output, 16, read.Config.Vision.ImageSize);
        var pixels = processor.Images([RandomClip.Image(1), RandomClip.Image(2, 40, 20)]);
        Close.Relative(read.EncodeImage(pixels), graph.Run(("pixel_values", pixels))["image_embeds"], 1e-5);
        Assert.Equal(ClipTokenizer.Load(from, 16).Tokenize(["a cat"]).Ids, processor.Tokenizer.Tokenize(["a cat"]).Ids);
    }

    [Fact]
    public void Numbers_beyond_the_limit_have_a_file_of_their_own()
    {
        OnnxExport.Write(Model, Output, [ExportPrecision.Float32], limit: 100_000);
        OnnxExport.Write(Model, Output + "1");
        Assert.InRange(new FileInfo(At("vision_model.onnx")).Length, 1, 100_000);
        Assert.True(new FileInfo(At("vision_model.onnx_data")).Length > 1_000_000);
        using var scope = NewDisposeScope();
        using RunGraph parted = new(At("vision_model.onnx")), one = new(Path.Combine(Output + "1", "onnx", "vision_model.onnx"));
        var pixels = randn(2, 3, 64, 64);
        Assert.Equal(0, (parted.Run(("pixel_values", pixels))["image_embeds"] - one.Run(("pixel_values", pixels))["image_embeds"])
            .abs().max().ToDouble());
    }

    [Fact]
    public void What_fails_or_is_stopped_leaves_nothing_and_what_is_there_stays()
    {
        using var stop = new CancellationTokenSource();
        var progress = new Stopping(stop);
        Assert.Throws<OperationCanceledException>(() => OnnxExport.Write(Model, Output, progress: progress, cancellationToken: stop.Token));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
        Directory.CreateDirectory(Output);
        File.WriteAllText(Path.Combine(Output, "mine"), "");
        Assert.Contains("is there already", Assert.Throws<IOException>(() => OnnxExport.Write(Model, Output)).Message,
            StringComparison.Ordinal);
        Assert.Equal([Path.Combine(Output, "mine")], Directory.GetFileSystemEntries(Output));
        string bare = Directory.CreateDirectory(Path.Combine(_folder, "bare")).FullName;
        foreach (string file in new[] { "config.json", "model.safetensors", "preprocessor_config.json" })
            File.Copy(Path.Combine(Model, file), Path.Combine(bare, file));
        Assert.Throws<FileNotFoundException>(() => OnnxExport.Write(bare, Output + "1"));
        Assert.False(Directory.Exists(Output + "1"));
        Assert.Equal(2, Directory.GetFileSystemEntries(_folder).Length);
    }

    private string At(string file) => Path.Combine(Output, "onnx", file);

    /// <summary>Stops when the second file begins.</summary>
    private sealed class Stopping(CancellationTokenSource stop) : IProgress<string>
    {
        public void Report(string value)
        {
            if (value == "text_model.onnx") stop.Cancel();
        }
    }
}
