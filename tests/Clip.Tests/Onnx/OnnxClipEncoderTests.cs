using System.Text.RegularExpressions;
using ClipNotebooks.Clip.Export;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Tests.Inference;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Onnx;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Onnx;

/// <summary>
/// The encoder on ONNX Runtime, on graphs whose towers are one product and one table: an image's pixels by a matrix, the sum of a
/// caption's rows.
/// </summary>
public sealed class OnnxClipEncoderTests : IDisposable
{
    private const int E = 8, R = 64, Vocabulary = 942;

    private static readonly float[] Matrix = Noise(1, 3 * R * R * E), Table = Noise(2, Vocabulary * E);
    private static readonly string[] Captions = ["a photo of a cat", "", "two dogs at night by the sea", "pizza"];

    private static readonly ITokenizer Tokens =
        ClipProcessor.FromPretrained(Path.Combine(Repository.Root, "data", "models", "tiny-clip"), 32).Tokenizer;

    private readonly string _folder = Directory.CreateTempSubdirectory("clip-onnx-").FullName;

    public OnnxClipEncoderTests()
    {
        string from = Path.Combine(Repository.Root, "data", "models", "tiny-clip");
        foreach (string name in new[] { "config.json", "vocab.json", "merges.txt", "preprocessor_config.json" })
            File.Copy(Path.Combine(from, name), Path.Combine(_folder, name));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("onnx/vision_model.onnx", "onnx/text_model.onnx", OnnxWeights.Float32)]
    [InlineData("vision_model.onnx", "text_model.onnx", OnnxWeights.Float32)]
    [InlineData("onnx/vision_model_fp16.onnx", "onnx/text_model_fp16.onnx", OnnxWeights.Float16)]
    [InlineData("onnx/vision_model_int8.onnx", "onnx/text_model_quantized.onnx", OnnxWeights.Int8)]
    public void Embeddings_are_what_the_towers_give_at_length_1_in_the_order_that_was_asked(string vision, string text, OnnxWeights weights)
    {
        Vision().Write(At(vision));
        Text().Write(At(text));
        using var clip = OnnxClipEncoder.FromPretrained(_folder, new OnnxOptions { Weights = weights });
        RasterImage[] images = [RandomClip.Image(1), RandomClip.Image(2, 30, 40)];
        var pixels = images.Select(clip.Processor.Transform.Apply).ToArray();
        Assert.Equal((E, false, _folder), (clip.Width, clip.IsSigmoid, clip.Source));
        Same(pixels.Select(ByHand), clip.EmbedImages(images));
        Same(pixels.Select(ByHand), clip.EmbedPixels(pixels));
        Same(Captions.Select(ByHand), clip.EmbedTexts(Captions));
        // More than one batch.
        string[] many = [.. Enumerable.Range(0, 150).Select(i => string.Concat(Enumerable.Repeat("a cat ", i % 7)))];
        Same(many.Select(ByHand), clip.EmbedTexts(many));
    }

    [Fact]
    public void The_scale_is_read_off_the_whole_graph_and_the_whole_alone_is_enough()
    {
        Whole(scale: 37.5f).Write(At("onnx/model.onnx"));
        using var clip = OnnxClipEncoder.FromPretrained(_folder);
        Assert.Equal(37.5, clip.Scale, 1e-4);
        Assert.Equal(0, clip.Bias);
        float[][] images = clip.EmbedImages([RandomClip.Image(1)]), texts = clip.EmbedTexts(Captions);
        Same(Captions.Select(ByHand), texts);
        double[] logits = clip.Logits(images, texts)[0], probabilities = clip.Probabilities([logits])[0];
        for (int i = 0; i < texts.Length; i++)
            Assert.Equal(37.5 * images[0].Zip(texts[i]).Sum(pair => pair.First * pair.Second), logits[i], 1e-3);
        Assert.Equal(1, probabilities.Sum(), 1e-12);
        Assert.Equal(Array.IndexOf(logits, logits.Max()), Array.IndexOf(probabilities, probabilities.Max()));
    }

    [Fact]
    public void A_sigmoid_model_has_its_scale_and_bias_and_rows_that_are_filled_up()
    {
        Configure("\"model_type\": \"clip\"", "\"model_type\": \"siglip\"");
        File.WriteAllText(At("tokenizer_config.json"), """{ "tokenizer_class": "CLIPTokenizer" }""");
        Whole(scale: 11, bias: -9.5f).Write(At("model.onnx"));
        using var clip = OnnxClipEncoder.FromPretrained(_folder);
        Assert.True(clip.IsSigmoid);
        Assert.Equal(11, clip.Scale, 1e-3);
        Assert.Equal(-9.5, clip.Bias, 1e-3);
        Assert.Equal(1 / (1 + Math.Exp(2.0)), clip.Probabilities([[-2.0]])[0][0], 1e-12);
    }

    /// <summary>Sums in another order: 1e-5 of the largest magnitude; ten bits of a number, and seven, as GraphComparison.</summary>
    [Theory]
    [InlineData(OnnxWeights.Float32, ExportPrecision.Float32, 1e-5, 0.9999999)]
    [InlineData(OnnxWeights.Float16, ExportPrecision.Float16, 1, 0.9995)]
    [InlineData(OnnxWeights.Int8, ExportPrecision.Int8, 1, 0.99)]
    public void An_exported_model_gives_the_librarys_embeddings(OnnxWeights weights, ExportPrecision precision, double near, double cosine)
    {
        string model = Path.Combine(Repository.Root, "data", "models", "tiny-clip"), folder = At("exported");
        OnnxExport.Write(model, folder, [precision]);
        using var expected = ClipEncoder.FromPretrained(model, CPU);
        using var actual = OnnxClipEncoder.FromPretrained(folder, new OnnxOptions { Weights = weights });
        RasterImage[] images = [.. new[] { "cat", "dog", "pizza" }.Select(name =>
            RasterImage.Load(Path.Combine(Repository.Root, "data", "images", $"{name}.png")))];
        Assert.Equal(expected.Width, actual.Width);
        // In float16 the graph has its logarithm in ten bits.
        Assert.Equal(expected.Scale, actual.Scale, (precision == ExportPrecision.Float16 ? 2e-3 : 1e-4) * expected.Scale);
        foreach (var (e, a) in expected.EmbedImages(images).Concat(expected.EmbedTexts(Captions))
            .Zip(actual.EmbedImages(images).Concat(actual.EmbedTexts(Captions))))
        {
            Assert.InRange(e.Zip(a).Max(pair => Math.Abs(pair.First - pair.Second)), 0, near * e.Max(Math.Abs));
            Assert.InRange(e.Zip(a).Sum(pair => (double)pair.First * pair.Second), cosine, 1 + 1e-6);
        }
        // What one has indexed the other searches; 8 bits are too far from it.
        Assert.Equal(precision != ExportPrecision.Int8, expected.Fingerprint() == actual.Fingerprint());
        float[][] pixels = [.. images.Select(expected.Processor.Transform.Apply)];
        Same(expected.EmbedImages(images), expected.EmbedPixels(pixels));
        Assert.Throws<ArgumentException>(() => expected.EmbedPixels([new float[7]]));
    }

    [Fact]
    public void Towers_alone_have_no_scale_but_the_one_that_is_set()
    {
        Towers();
        using (var clip = OnnxClipEncoder.FromPretrained(_folder))
        {
            string message = Assert.Throws<InvalidOperationException>(() => clip.Scale).Message;
            Assert.Contains("Set OnnxOptions.Scale", message, StringComparison.Ordinal);
        }
        using var set = OnnxClipEncoder.FromPretrained(_folder, new OnnxOptions { Scale = 100, Bias = 1 });
        Assert.Equal((100, 1), (set.Scale, set.Bias));
    }

    [Fact]
    public void Graphs_that_do_not_say_what_they_were_made_from_are_named_by_their_bytes_and_their_recipe()
    {
        Towers();
        string first = Of(), other;
        Assert.Matches("^[0-9a-f]{64}$", first);
        Assert.Equal(first, Of());
        Text(table: [.. Table.Select(value => value * 2)]).Write(At("onnx/text_model.onnx"));
        Assert.NotEqual(first, other = Of());
        // Numbers that lie beside a graph count too.
        File.WriteAllText(At("onnx/text_model.onnx_data"), "numbers");
        Assert.NotEqual(other, Of());
        File.Delete(At("onnx/text_model.onnx_data"));
        string recipe = File.ReadAllText(At("preprocessor_config.json"));
        File.WriteAllText(At("preprocessor_config.json"), Regex.Replace(recipe, "\"image_mean\": \\[[^]]*]", "\"image_mean\": [0, 0, 0]"));
        Assert.NotEqual(other, Of());

        string Of()
        {
            using var clip = OnnxClipEncoder.FromPretrained(_folder);
            return clip.Fingerprint();
        }
    }

    [Fact]
    public void What_is_missing_or_other_than_a_model_needs_is_named_with_what_to_do()
    {
        Refused<FileNotFoundException>("holds no vision_model.onnx, nor the whole as model.onnx", "Export the model to ONNX");
        Towers();
        OnnxOptions half = new() { Weights = OnnxWeights.Float16 };
        Refused<FileNotFoundException>(half, "vision_model_fp16.onnx", "Its graphs are in Float32");
        File.WriteAllText(At("onnx/text_model.onnx"), "no graph");
        Refused<CheckpointException>("text_model.onnx is no graph that ONNX Runtime can run");
        File.WriteAllText(At("onnx/text_model.onnx"), "");
        Refused<InvalidDataException>("text_model.onnx cannot be read", "it is empty");

        Text("past_key_values").Write(At("onnx/text_model.onnx"));
        Refused<CheckpointException>("text_model.onnx asks for \"past_key_values\"");
        Text(output: "last_hidden_state").Write(At("onnx/text_model.onnx"));
        Refused<CheckpointException>("text_model.onnx gives last_hidden_state; text_embeds is needed");
        Text(width: 4).Write(At("onnx/text_model.onnx"));
        Refused<CheckpointException>("gives embeddings of 8 numbers", "text_model.onnx of 4");
        Text().Write(At("onnx/text_model.onnx"));
        Vision(side: 32).Write(At("onnx/vision_model.onnx"));
        Refused<CheckpointException>("takes \"pixel_values\" as (any, 3, 32, 32); (B, 3, 64, 64), what the model's recipe makes of images");
        Vision(batch: 1).Write(At("onnx/vision_model.onnx"));
        Refused<CheckpointException>("takes \"pixel_values\" as (1, 3, 64, 64)", "with B free");
        Vision().Write(At("onnx/vision_model.onnx"));
        Configure("\"image_size\": 64", "\"image_size\": 32");
        Refused<InvalidDataException>("makes images of 64 pixels a side, and the model takes 32, as", "config.json");
        Configure("\"image_size\": 32", "\"image_size\": 64");
        OnnxClipEncoder.FromPretrained(_folder).Dispose();
        File.Delete(At("config.json"));
        Refused<FileNotFoundException>("holds no config.json");
    }

    [Fact]
    public void Numbers_that_are_none_are_refused_by_what_they_are_of()
    {
        Vision([.. Matrix.Select(_ => float.NaN)]).Write(At("onnx/vision_model.onnx"));
        Text(table: new float[Table.Length]).Write(At("onnx/text_model.onnx"));
        using var clip = OnnxClipEncoder.FromPretrained(_folder);
        RasterImage[] images = [RandomClip.Image(1), RandomClip.Image(2)];
        var error = Assert.Throws<NonFiniteException>(() => clip.EmbedImages(images, ["a.png", "b.png"]));
        Assert.Contains("gives NaN for a.png: its graph is damaged", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<NonFiniteException>(() => clip.EmbedTexts(["a cat"]));
        Assert.Contains("gives nothing but zeros for the caption \"a cat\"", error.Message, StringComparison.Ordinal);
        float[] pixels = new float[3 * R * R];
        pixels[5] = float.PositiveInfinity;
        error = Assert.Throws<NonFiniteException>(() => clip.EmbedPixels([pixels]));
        Assert.Contains("for image 1 of 1: the pixels are not finite", error.Message, StringComparison.Ordinal);
        Assert.Contains("(3, 64, 64) = 12288", Assert.Throws<ArgumentException>(() => clip.EmbedPixels([new float[7]])).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => clip.EmbedTexts([]));
    }

    [Fact]
    public async Task Disposed_while_threads_embed_it_lets_them_end_and_refuses_later_calls()
    {
        Towers();
        for (int round = 0; round < 5; round++)
        {
            var clip = OnnxClipEncoder.FromPretrained(_folder, new OnnxOptions { Threads = 1 });
            using var begun = new CountdownEvent(8);
            var threads = Enumerable.Range(0, 8).Select(i => Task.Factory.StartNew(() =>
            {
                begun.Signal();
                try
                {
                    while (true) Assert.Equal(4, i % 2 == 0 ? clip.EmbedTexts(Captions).Length : clip.EmbedPixels(
                        [.. Enumerable.Repeat(Matrix[..(3 * R * R)], 4)]).Length);
                }
                catch (ObjectDisposedException)
                {
                }
            }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
            begun.Wait(TestContext.Current.CancellationToken);
            clip.Dispose();
            await Task.WhenAll(threads);
            clip.Dispose();
            Assert.Throws<ObjectDisposedException>(() => clip.EmbedTexts(["a cat"]));
        }
    }

    private string At(string name) => Path.Combine(_folder, name);

    private void Configure(string from, string to) =>
        File.WriteAllText(At("config.json"), File.ReadAllText(At("config.json")).Replace(from, to, StringComparison.Ordinal));

    private void Towers()
    {
        Vision().Write(At("onnx/vision_model.onnx"));
        Text().Write(At("onnx/text_model.onnx"));
    }

    private void Refused<T>(params string[] reasons) where T : Exception => Refused<T>(new OnnxOptions(), reasons);

    private void Refused<T>(OnnxOptions options, params string[] reasons) where T : Exception
    {
        string message = Assert.Throws<T>(() => OnnxClipEncoder.FromPretrained(_folder, options).Dispose()).Message;
        Assert.All(reasons, reason => Assert.Contains(reason, message, StringComparison.Ordinal));
    }

    private static TinyGraph Vision(float[]? matrix = null, int side = R, object? batch = null) =>
        Image(new TinyGraph().Output("image_embeds", "B", E), matrix ?? Matrix, side, batch ?? "B", "image_embeds");

    private static TinyGraph Image(TinyGraph graph, float[] matrix, int side, object batch, string output) => graph
        .FloatInput("pixel_values", batch, 3, side, side)
        .Weight("matrix", matrix[..(3 * side * side * E)], 3 * side * side, E)
        .Node("Flatten", ["pixel_values"], "flat", ("axis", [1]))
        .Node("MatMul", ["flat", "matrix"], output);

    private static TinyGraph Text(string? other = null, string output = "text_embeds", int width = E, float[]? table = null)
    {
        var graph = Caption(new TinyGraph().Output(output, "B", width), (table ?? Table)[..(Vocabulary * width)], width, output);
        return other is null ? graph : graph.IntegerInput(other, "B", "L");
    }

    private static TinyGraph Caption(TinyGraph graph, float[] table, int width, string output) => graph
        .IntegerInput("input_ids", "B", "L").IntegerInput("attention_mask", "B", "L")
        .Weight("table", table, Vocabulary, width)
        .Node("Gather", ["table", "input_ids"], "rows", ("axis", [0]))
        .Node("Cast", ["attention_mask"], "seen", ("to", [1]))
        .Node("Unsqueeze", ["seen"], "column", ("axes", [2]))
        .Node("Mul", ["rows", "column"], "attended")
        .Node("ReduceSum", ["attended"], output, ("axes", [1]), ("keepdims", [0]));

    private static TinyGraph Whole(float scale, float bias = 0)
    {
        var graph = new TinyGraph().Output("image_embeds", "B", E).Output("text_embeds", "T", E).Output("logits_per_image", "B", "T");
        string[] embeds = ["image", "text"];
        graph = Caption(Image(graph, Matrix, R, "B", "image_sums"), Table, E, "text_sums").Weight("scale", [scale]).Weight("bias", [bias]);
        foreach (string name in embeds)
            graph = graph.Node("LpNormalization", [$"{name}_sums"], $"{name}_embeds", ("axis", [1]), ("p", [2]));
        return graph.Node("Transpose", ["text_embeds"], "turned").Node("MatMul", ["image_embeds", "turned"], "cosines")
            .Node("Mul", ["cosines", "scale"], "scaled").Node("Add", ["scaled", "bias"], "logits_per_image");
    }

    private static float[] ByHand(float[] pixels) => [.. Enumerable.Range(0, E).Select(e =>
        (float)Enumerable.Range(0, pixels.Length).Sum(i => (double)pixels[i] * Matrix[i * E + e]))];

    private static float[] ByHand(string caption)
    {
        int[] ids = [Tokens.StartOfTextId!.Value, .. Tokens.Encode(caption), Tokens.EndOfTextId];
        return [.. Enumerable.Range(0, E).Select(e => ids.Sum(id => Table[id * E + e]))];
    }

    /// <summary>Rows at length 1, to the rounding of sums in float32.</summary>
    private static void Same(IEnumerable<float[]> expected, float[][] actual)
    {
        foreach (var (row, unit) in expected.Zip(actual, (row, unit) => (row, unit)))
        {
            double length = Math.Sqrt(row.Sum(value => (double)value * value));
            for (int i = 0; i < row.Length; i++) Assert.Equal(row[i] / length, unit[i], 1e-5);
        }
        Assert.Equal(expected.Count(), actual.Length);
    }

    private static float[] Noise(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }
}
