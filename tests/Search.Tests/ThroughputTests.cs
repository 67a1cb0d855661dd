using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Search.Storage;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Search.Tests;

/// <summary>
/// Speed, beside what it is measured against in the same minute. <c>CLIP_LONG_TESTS=1</c>: they need a quiet machine, 4 GB of memory and 4
/// GB of disk; the figures go to the test's output.
/// </summary>
public sealed class ThroughputTests(ITestOutputHelper output) : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Exact_search_of_a_million_vectors_runs_at_the_speed_of_memory_and_float16_finds_the_same()
    {
        if (!Sandbox.Long) Assert.Skip("A million vectors are searched with CLIP_LONG_TESTS=1.");
        const int rows = 1_000_000, width = 512, queries = 200, chunk = 10_000;
        using var full = ImageSearchIndex.Create(_sandbox.Index + "-32", width, "no model", "no model", null, new IndexOptions());
        using var half = ImageSearchIndex.Create(_sandbox.Index + "-16", width, "no model", "no model", null,
            new IndexOptions { Storage = VectorStorage.Float16 });
        for (int first = 0; first < rows; first += chunk)
        {
            var vectors = Clustered(chunk, width, first);
            string[] ids = [.. Enumerable.Range(first, chunk).Select(i => $"folder/{i}.jpg")];
            full.AddEmbeddings(ids, vectors);
            half.AddEmbeddings(ids, vectors);
        }
        var opening = Best(5, () => ImageSearchIndex.Open(full.Folder).Dispose());
        output.WriteLine($"opening {rows:N0} images: {opening.TotalMilliseconds:0.0} ms");

        var points = Enumerable.Range(0, queries).Select(i => Clustered(1, width, 2_000_000 + i)).ToArray();
        var (bytes32, bytes16) = (4L * rows * width, 2L * rows * width);
        double memory32 = 0, memory16 = 0, search32 = 0, search16 = 0;
        // Turn about, and the best of each: whatever else the machine does disturbs all alike.
        for (int round = 0; round < 8; round++)
        {
            memory32 = Math.Max(memory32, Rate(bytes32, ReadSpeed(bytes32)));
            search32 = Math.Max(search32, Rate(bytes32, Best(3, () => full.Search(points[0]))));
            memory16 = Math.Max(memory16, Rate(bytes16, ReadSpeed(bytes16)));
            search16 = Math.Max(search16, Rate(bytes16, Best(3, () => half.Search(points[0]))));
        }
        output.WriteLine($"float32: {search32:0.0} GB/s searched ({bytes32 / search32 / 1e6:0} ms a query), {memory32:0.0} GB/s read " +
            $"from memory: {search32 / memory32:0%}");
        output.WriteLine($"float16: {search16:0.0} GB/s searched ({bytes16 / search16 / 1e6:0} ms a query), {memory16:0.0} GB/s read " +
            $"from memory: {search16 / memory16:0%}");

        int same = points.Count(point => full.Search(point).Select(result => result.Id).ToHashSet()
            .SetEquals(half.Search(point).Select(result => result.Id)));
        output.WriteLine($"the same top 10 from float16: {same} of {queries}");
        Assert.InRange(search32 / memory32, 0.7, 10);
        Assert.InRange(same, 0.99 * queries, queries);
        Assert.InRange(opening.TotalMilliseconds, 0, 100);
    }

    /// <summary>
    /// Reading, decoding and resizing go on while the model encodes: the whole takes little more than the slower of the two.
    /// </summary>
    [Fact]
    public async Task Indexing_takes_the_time_of_the_slower_of_decoding_and_encoding()
    {
        if (!Sandbox.Long) Assert.Skip("Indexing is measured with CLIP_LONG_TESTS=1.");
        const int pictures = 2048;
        // One core each for decoding and for encoding: sharing the cores, they could not overlap.
        if (Environment.ProcessorCount < 2) Assert.Skip("Two things at once need two cores.");
        TorchSharp.torch.set_num_threads(1);
        for (int i = 0; i < 256; i++)
        {
            byte[] png = SyntheticScenes.Create(SceneWorld.Train, i).Draw(640).ToPng();
            for (int copy = 0; copy < pictures; copy += 256) await File.WriteAllBytesAsync(
                Path.Combine(_sandbox.Pictures, $"{i + copy}.png"), png);
        }
        string[] files = Directory.GetFiles(_sandbox.Pictures);
        using var clip = ClipEncoder.FromPretrained(Sandbox.TinyClip);
        var transform = clip.Processor.Transform;
        var (decoding, encoding, both, indexing) = (Time.None, Time.None, Time.None, Time.None);
        using var pixels = TorchSharp.torch.rand(64, 3, transform.Config.Size, transform.Config.Size);
        for (int round = 0; round < 3; round++)
        {
            decoding = decoding.Or(await Time.OfAsync(() => Task.Run(Decode)));
            encoding = encoding.Or(await Time.OfAsync(() => Task.Run(Encode)));
            both = both.Or(await Time.OfAsync(() => Task.WhenAll(Task.Run(Decode), Task.Run(Encode))));
            using var index = ImageSearchIndex.Create($"{_sandbox.Index}-{round}", clip, new IndexOptions { ReadingThreads = 1 });
            indexing = indexing.Or(await Time.OfAsync(() => index.AddFolderAsync(_sandbox.Pictures)));
            Assert.Equal(pictures, index.Count);
        }
        double slower = Math.Max(decoding.Clock.TotalSeconds, encoding.Clock.TotalSeconds), atOnce = both.Clock.TotalSeconds,
            whole = indexing.Clock.TotalSeconds;
        output.WriteLine($"{pictures} pictures: decoding {decoding}, encoding {encoding}, the two at once but apart {both}, indexing " +
            $"{indexing}: {whole / slower:0.00} of the slower, {whole / atOnce:0.00} of the two at once");
        // Two cores that share caches and memory slow each other down, whatever they work on; the pipeline itself adds next to nothing: its
        // first and last batch, names and checksums, writing.
        Assert.InRange(whole / atOnce, 0, 1.15);
        Assert.InRange(whole / (decoding.Clock + encoding.Clock).TotalSeconds, 0, 0.75);

        void Decode()
        {
            foreach (string file in files) transform.Apply(SkiaImageDecoder.Shared.Decode(File.ReadAllBytes(file), file));
        }

        void Encode()
        {
            for (int i = 0; i < pictures / 64; i++) clip.EncodePixels(pixels).Dispose();
        }
    }

    /// <summary>By the clock, and by what the cores worked.</summary>
    private readonly record struct Time(TimeSpan Clock, TimeSpan Cores)
    {
        internal static Time None => new(TimeSpan.MaxValue, TimeSpan.MaxValue);

        internal static async Task<Time> OfAsync(Func<Task> act)
        {
            using var process = Process.GetCurrentProcess();
            var (clock, cores) = (Stopwatch.StartNew(), process.TotalProcessorTime);
            await act();
            process.Refresh();
            return new Time(clock.Elapsed, process.TotalProcessorTime - cores);
        }

        /// <summary>The lesser of each.</summary>
        internal Time Or(Time other) => new(Clock < other.Clock ? Clock : other.Clock, Cores < other.Cores ? Cores : other.Cores);

        public override string ToString() => $"{Clock.TotalSeconds:0.00} s ({Cores.TotalSeconds:0.00} s of the cores)";
    }

    /// <summary>Vectors in clusters, as embeddings of images are, so that the best of them are close to each other.</summary>
    private static float[] Clustered(int count, int width, int seed)
    {
        var random = new Random(seed);
        var values = new float[count * width];
        for (int row = 0; row < count; row++)
        {
            var vector = values.AsSpan(row * width, width);
            var centre = new Random(random.Next(1000));
            for (int i = 0; i < width; i++) vector[i] = centre.NextSingle() - 0.5f + 1.5f * (random.NextSingle() - 0.5f);
        }
        return values;
    }

    private static double Rate(long bytes, TimeSpan time) => bytes / time.TotalSeconds / 1e9;

    private static TimeSpan Best(int times, Action act) => Enumerable.Range(0, times).Min(_ =>
    {
        var clock = Stopwatch.StartNew();
        act();
        return clock.Elapsed;
    });

    /// <summary>The time in which all cores read so many bytes of memory and do no more than add them up.</summary>
    private static unsafe TimeSpan ReadSpeed(long bytes)
    {
        byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        try
        {
            NativeMemory.Fill(memory, (nuint)bytes, 1);
            const long block = 8 << 20;
            return Best(3, () => Parallel.For(0, bytes / block, part =>
            {
                var (a, b, c, d) = (Vector256<long>.Zero, Vector256<long>.Zero, Vector256<long>.Zero, Vector256<long>.Zero);
                long* start = (long*)(memory + part * block);
                for (long* at = start; at < start + block / 8; at += 16)
                {
                    a += Vector256.Load(at);
                    b += Vector256.Load(at + 4);
                    c += Vector256.Load(at + 8);
                    d += Vector256.Load(at + 12);
                }
                if (a + b + c + d == Vector256<long>.Zero) throw new InvalidOperationException("Memory was not filled.");
            }));
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }
}
