using System.Diagnostics;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Export;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Onnx;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Onnx;

/// <summary>
/// What "ONNX Runtime" in tests/Benchmarks/README.md says: a model of ViT-B/32's size with random weights, this library's forms and ONNX
/// Runtime on its export, in turns on all cores. <c>CLIP_LONG_TESTS=1</c>, and a quiet machine; the figures go to the test's output.
/// </summary>
public sealed class OnnxSpeedTests(ITestOutputHelper output) : IDisposable
{
    private const int Turns = 3, Runs = 4;

    private readonly string _folder = Directory.CreateTempSubdirectory("clip-onnx-speed-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void At_a_published_size_each_form_gives_the_plain_ones_embeddings_at_its_own_pace()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1", "A model of ViT-B/32's size is measured with " +
            "CLIP_LONG_TESTS=1.");
        string model = Save(), exported = Path.Combine(_folder, "exported");
        OnnxExport.Write(model, exported, [ExportPrecision.Float32, ExportPrecision.Float16, ExportPrecision.Int8]);
        using ClipEncoder plain = ClipEncoder.FromPretrained(model, CPU), prepared = ClipEncoder.FromPretrained(model, CPU);
        prepared.Prepare();
        using OnnxClipEncoder float32 = Open(OnnxWeights.Float32), float16 = Open(OnnxWeights.Float16), int8 = Open(OnnxWeights.Int8);
        (string Name, IClipEncoder Form, double Least)[] forms =
        [
            ("plain", plain, 1 - 1e-5), ("prepared", prepared, 0.9995), ("ONNX Runtime, float32", float32, 1 - 1e-5),
            ("float16", float16, 0.9995), ("8 bits", int8, 0.99),
        ];
        var dice = new Random(1);
        float[] Noise() => [.. Enumerable.Range(0, 3 * 224 * 224).Select(_ => 2 * dice.NextSingle() - 1)];
        float[][] pixels = [.. Enumerable.Range(0, 32).Select(_ => Noise())];
        string[] texts = [.. Enumerable.Range(0, 32).Select(i => $"a photo of a cat and a dog at night {i % 10}")];
        foreach (int batch in new[] { 1, 8, 32 })
        {
            Measure($"images at {batch}", form => form.EmbedPixels(pixels[..batch]));
            Measure($"captions at {batch}", form => form.EmbedTexts(texts[..batch]));
        }

        OnnxClipEncoder Open(OnnxWeights weights) => OnnxClipEncoder.FromPretrained(exported, new OnnxOptions { Weights = weights });

        void Measure(string what, Func<IClipEncoder, float[][]> work)
        {
            float[][] right = work(plain);
            double[] best = [.. forms.Select(_ => double.MaxValue)];
            for (int turn = 0; turn < Turns; turn++)
                foreach (var (i, (name, form, least)) in forms.Index())
                {
                    // Threads of the form before still look for work a while.
                    Thread.Sleep(300);
                    float[][] rows = [];
                    for (int run = 0; run < Runs; run++)
                    {
                        var clock = Stopwatch.StartNew();
                        rows = work(form);
                        best[i] = Math.Min(best[i], clock.Elapsed.TotalSeconds);
                    }
                    double cosine = right.Zip(rows, (a, b) => a.Zip(b, (x, y) => (double)x * y).Sum()).Min();
                    Assert.True(cosine >= least, $"{what}, {name}: a cosine of {cosine} with the plain form");
                    if (turn == 0) output.WriteLine($"{what}, {name}: least cosine {cosine:0.00000}");
                }
            output.WriteLine($"{what}, a second: {string.Join("; ", forms.Zip(best, (form, time) =>
                $"{form.Name} {right.Length / time:0.0} ({best[0] / time:0.0} x)"))}");
        }
    }

    /// <summary>ViT-B/32 with the vocabulary of the embedded model: its towers compute as much as the published one's.</summary>
    private string Save()
    {
        string folder = Path.Combine(_folder, "model"), words = Path.Combine(Repository.Root, "data", "models", "tiny-clip");
        int vocabulary = ClipProcessor.FromPretrained(words, 77).Tokenizer.VocabularySize;
        random.manual_seed(1);
        using ClipModel model = new(ClipConfig.ViTB32 with
        {
            Text = ClipConfig.ViTB32.Text with { VocabularySize = vocabulary, EndOfTextId = vocabulary - 1 },
        });
        ClipCheckpoint.SavePretrained(model, folder);
        foreach (string name in new[] { "vocab.json", "merges.txt" }) File.Copy(Path.Combine(words, name), Path.Combine(folder, name));
        new ImageTransformConfig().Save(Path.Combine(folder, "preprocessor_config.json"));
        return folder;
    }
}
