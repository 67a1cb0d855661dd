using System.Diagnostics;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Search.Sharding;
using ClipNotebooks.Search.Storage;
using ClipNotebooks.Workbook.Scenes;
using static TorchSharp.torch;

namespace ClipNotebooks.Search.Tests;

/// <summary>
/// What the section "Spreading the work" of lib/Search/README.md computes with: images a second of `clipbook embed`'s own path, from JPEG
/// files of 640 × 480 pixels to a shard on disk, on all cores. <c>CLIP_LONG_TESTS=1</c>, and a quiet machine; the figures go to the test's
/// output.
/// </summary>
public sealed class EmbeddingRateTests(ITestOutputHelper output) : IDisposable
{
    private const int Width = 640, Height = 480;

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData("the embedded model", 1024)]
    [InlineData("ViT-B/32, random weights", 384)]
    public async Task A_hundred_million_images_take_so_many_core_hours(string model, int images)
    {
        if (!Sandbox.Long) Assert.Skip("Embedding is measured with CLIP_LONG_TESTS=1.");
        for (int i = 0; i < images; i++) await File.WriteAllBytesAsync(
            Path.Combine(_sandbox.Pictures, $"{i}.jpg"), Jpeg(SyntheticScenes.Create(SceneWorld.Train, i).Draw(Width)));
        using var clip = model == "the embedded model" ? ClipEncoder.FromPretrained(Sandbox.TinyClip) : FullSize();
        clip.Prepare();
        await ShardedIndex.EmbedAsync(_sandbox.Pictures, Path.Combine(_sandbox.Folder, "warm"), new Shard(1, 8), clip);
        Alone(clip); // what follows is compiled by then
        var clock = Stopwatch.StartNew();
        var report = await ShardedIndex.EmbedAsync(_sandbox.Pictures, Path.Combine(_sandbox.Folder, "shard"), new Shard(1, 1), clip);
        double rate = images / clock.Elapsed.TotalSeconds, hours = 1e8 / rate * Environment.ProcessorCount / 3600;
        Assert.Equal(images, report.Added.Count);
        var (decoded, encoded) = Alone(clip);
        output.WriteLine($"{model}: decoding alone {decoded:0.0} images/s, encoding alone {encoded:0.0}, one after the other " +
            $"{1 / (1 / decoded + 1 / encoded):0.0}; together {rate * (1 / decoded + 1 / encoded):0.00} of that");
        output.WriteLine($"{model}: {rate:0.0} images/s on {Environment.ProcessorCount} cores; 100 million images: {hours:N0} core " +
            $"hours, {1e8 * clip.Model.Config.EmbeddingWidth * 4 / 1e9:N0} GB in float32, " +
            $"{1e8 * clip.Model.Config.EmbeddingWidth * 2 / 1e9:N0} GB in float16");

        string drafts = Path.Combine(_sandbox.Folder, "drafts");
        clock.Restart();
        await ShardedIndex.EmbedAsync(_sandbox.Pictures, drafts, new Shard(1, 1), clip,
            new IndexOptions { Decoder = new SkiaImageDecoder { DraftSide = clip.Processor.Transform.Config.ResizeSize } });
        double drafted = images / clock.Elapsed.TotalSeconds;
        var exact = Vectors(Path.Combine(_sandbox.Folder, "shard"));
        double[] cosines = [.. Vectors(drafts).Select(pair => Cosine(pair.Value, exact[pair.Key])).Order()];
        Assert.Equal(images, cosines.Length);
        output.WriteLine($"{model}, drafts: {drafted:0.0} images/s; cosine with the whole decoding {cosines[0]:0.00000} at least, " +
            $"{cosines[images / 2]:0.00000} in the middle");
    }

    /// <summary>Images a second on all cores, of preparing the files' pixels and of encoding such pixels, each without the other.</summary>
    private (double Decoded, double Encoded) Alone(ClipEncoder clip)
    {
        string[] files = Directory.GetFiles(_sandbox.Pictures);
        var clock = Stopwatch.StartNew();
        int decoded = ImageFiles.Prepare(files, clip.Processor.Transform).Sum(batch => batch.Count), encoded = 0;
        double decoding = clock.Elapsed.TotalSeconds;
        float[][] pixels = [.. ImageFiles.Prepare(files, clip.Processor.Transform).First().Select(image => image.Pixels!)];
        clip.EmbedPixels(pixels);
        for (clock.Restart(); encoded < files.Length; encoded += pixels.Length) clip.EmbedPixels(pixels);
        return (decoded / decoding, encoded / clock.Elapsed.TotalSeconds);
    }

    private static Dictionary<string, float[]> Vectors(string folder)
    {
        using var index = ImageSearchIndex.Open(folder);
        return index.Embeddings.All().ToDictionary(item => item.Entry.Id, item => item.Embedding);
    }

    private static double Cosine(float[] a, float[] b) =>
        a.Zip(b, (x, y) => (double)x * y).Sum() / Math.Sqrt(a.Sum(x => (double)x * x) * b.Sum(x => (double)x * x));

    [Fact]
    public void A_hundred_million_images_are_merged_in_so_much_time_and_memory()
    {
        if (!Sandbox.Long) Assert.Skip("Merging is measured with CLIP_LONG_TESTS=1.");
        const int shards = 4, images = 100_000, width = 512;
        string[] folders = [.. Enumerable.Range(1, shards).Select(number => Path.Combine(_sandbox.Folder, $"{number}"))];
        foreach (var (i, folder) in folders.Index())
        {
            using var shard = ImageSearchIndex.Create(folder, width, "no model", "no model", null,
                new IndexOptions { Storage = VectorStorage.Float16, Root = _sandbox.Pictures });
            foreach (var chunk in Enumerable.Range(0, images).Chunk(10_000)) shard.AddEmbeddings(
                [.. chunk.Select(number => $"2026/11/24/{i}/IMG_{number:00000000}.jpg")], Sandbox.Vectors(chunk.Length, width, chunk[0]));
            new ShardManifest { Number = i + 1, Count = shards, Folder = _sandbox.Pictures, Complete = true, Images = images }.Write(
                folder);
        }
        long before = GC.GetTotalMemory(forceFullCollection: true), after = 0;
        var clock = Stopwatch.StartNew();
        ShardedIndex.Merge(folders, _sandbox.Index, new Relay(
            done => after = done == shards * images ? GC.GetTotalMemory(forceFullCollection: true) : 0));
        double rate = shards * images / clock.Elapsed.TotalSeconds, bytes = (after - before) / (double)(shards * images);
        output.WriteLine($"merging: {rate:N0} images/s, {bytes:0} bytes of memory an image; 100 million images: {1e8 / rate / 3600:0.0} " +
            $"hours, {1e8 * bytes / 1e9:0} GB");
    }

    /// <summary>What takes time is the same whatever the weights are.</summary>
    private static ClipEncoder FullSize()
    {
        manual_seed(1);
        return new ClipEncoder(new ClipModel(ClipConfig.ViTB32),
            new ClipProcessor(new ClipImageTransform(new ImageTransformConfig()), ClipTokenizer.Load(Sandbox.TinyClip, 77)));
    }

    private static byte[] Jpeg(RasterImage image) =>
        RasterImage.FromRgb(Width, Height, image.ToRgbBytes().AsSpan(0, 3 * Width * Height)).ToJpeg();

    private sealed class Relay(Action<int> told) : IProgress<(int Done, int Total)>
    {
        public void Report((int Done, int Total) value) => told(value.Done);
    }
}
