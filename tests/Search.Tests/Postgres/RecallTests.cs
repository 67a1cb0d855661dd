using System.Diagnostics;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Search.Postgres;
using ClipNotebooks.Search.Storage;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Search.Tests.Postgres;

/// <summary>
/// What the graph leaves out, and what it saves: recall@10 against latency, beside the exact index on the same vectors.
/// Two thousand vectors; with <c>CLIP_LONG_TESTS=1</c> and <c>CLIP_TEST_POSTGRES</c> a hundred thousand, and the table of
/// lib/Search.Postgres/README.md is the test's output.
/// </summary>
public sealed class RecallTests(ITestOutputHelper output) : IDisposable
{
    private const int Width = 512;

    private static readonly int Rows = Sandbox.Long ? 100_000 : 2_000, Scenes = Sandbox.Long ? 4000 : 200,
        Queries = Sandbox.Long ? 300 : 60, Chunk = Sandbox.Long ? 10_000 : 1_000;

    private readonly TestDatabase _database = new();
    private readonly Sandbox _sandbox = new();

    public void Dispose()
    {
        _database.Dispose();
        _sandbox.Dispose();
    }

    [Theory]
    [InlineData(VectorStorage.Float32)]
    [InlineData(VectorStorage.Float16)]
    public void Recall_rises_with_the_breadth_of_the_search(VectorStorage storage)
    {
        using var clip = ClipEncoder.FromPretrained(Sandbox.TinyClip);
        var rotation = Rotation(clip.Model.Config.EmbeddingWidth);
        var (images, questions) = (Images(clip), Questions(clip));
        using var folder = _sandbox.OfVectors(Width, storage);
        var random = new Random(1);
        for (int first = 0; first < Rows; first += Chunk)
            folder.AddEmbeddings([.. Enumerable.Range(first, Chunk).Select(i => $"{i}")],
                [.. Enumerable.Range(0, Chunk).SelectMany(_ => Mixed(images, rotation, random))]);
        float[][] points = [.. questions.Select(question => Rotated(question, rotation))];

        PgVectorImageStore Open(PgVectorOptions graph) =>
            PgVectorImageStore.Connect(_database.Connection, Width, "no model", "no model", new IndexOptions { Storage = storage },
            graph);
        var clock = Stopwatch.StartNew();
        using (var store = Open(new PgVectorOptions())) store.AddFrom(folder);
        output.WriteLine($"{storage}, {Rows:N0} × {Width}; loaded and the graph made in {clock.Elapsed.TotalSeconds:0} s; on " +
            $"{_database.Lines("SELECT split_part(version(), ' on ', 1)")[0]}, pgvector " +
            $"{_database.Lines("SELECT extversion FROM pg_extension WHERE extname = 'vector'")[0]}");
        string graphSize = _database.Lines("SELECT pg_size_pretty(pg_relation_size('clip_images_hnsw'))")[0],
            tableSize = _database.Lines("SELECT pg_size_pretty(pg_table_size('clip_images'))")[0];
        output.WriteLine($"table {tableSize}, graph {graphSize}");
        _database.Execute("ANALYZE clip_images");

        string[][] nearest = [];
        nearest = Measure("exact, in a folder", folder);
        var recalls = new List<double>();
        foreach (int breadth in new[] { 10, 20, 40, 100, 200, 400 })
        {
            using var store = Open(new PgVectorOptions { EfSearch = breadth });
            recalls.Add(Recall(Measure($"ef_search {breadth}", store)));
        }
        // but for ties in the last place
        using (var exact = Open(new PgVectorOptions { Exact = true })) Assert.InRange(
            Recall(Measure("exact, in PostgreSQL", exact, 20)), 0.99, 1);
        // Each breadth sees all that the one before sees: recall does not fall, but for one result in a hundred that another path through
        // the graph misses.
        Assert.All(recalls.Zip(recalls.Skip(1)), pair => Assert.InRange(pair.Second, pair.First - 0.01, 1));
        Assert.InRange(recalls[^1], 0.95, 1);

        string[][] Measure(string what, ImageStore store, int? count = null)
        {
            foreach (float[] point in points.Take(20)) store.Search(point); // warm
            var (found, times) = (new List<string[]>(), new List<double>());
            foreach (float[] point in points.Take(count ?? Queries))
            {
                long start = Stopwatch.GetTimestamp();
                var results = store.Search(point);
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                found.Add([.. results.Select(result => result.Id)]);
            }
            times.Sort();
            output.WriteLine($"{what}: {(nearest.Length == 0 ? "" : $"recall@10 {Recall([.. found]):0.000}, ")}median " +
                $"{times[times.Count / 2]:0.00} ms, 95 % within {times[times.Count * 95 / 100]:0.00} ms");
            return [.. found];
        }

        double Recall(string[][] found) => found.Zip(nearest).Average(pair => pair.First.Intersect(pair.Second).Count() / 10.0);
    }

    /// <summary>The embedded model's embeddings of scenes that it never saw.</summary>
    private static float[][] Images(ClipEncoder clip)
    {
        int side = clip.Model.Config.Vision.ImageSize;
        return [.. Enumerable.Range(0, Scenes).Select(number => SyntheticScenes.Create(SceneWorld.HeldOut, number).Draw(side)).Chunk(64)
            .SelectMany(scenes =>
        {
            using var embeddings = clip.EncodeImages(scenes);
            return embeddings.data<float>().ToArray().Chunk(clip.Model.Config.EmbeddingWidth);
        })];
    }

    /// <summary>Its embeddings of captions: queries as people ask them, which lie elsewhere than images.</summary>
    private static float[][] Questions(ClipEncoder clip)
    {
        using var embeddings = clip.EncodeTexts([.. Enumerable.Range(Scenes, Queries)
            .Select(number => SyntheticScenes.Create(SceneWorld.HeldOut, number).Captions[0])]);
        return [.. embeddings.data<float>().ToArray().Chunk(clip.Model.Config.EmbeddingWidth)];
    }

    /// <summary>
    /// A vector between those of two scenes, nearer to the first, in 512 dimensions, and noise of 0.3 of its length around it.
    /// </summary>
    private static float[] Mixed(float[][] images, float[][] rotation, Random random)
    {
        var (one, other) = (images[random.Next(images.Length)], images[random.Next(images.Length)]);
        float share = 0.5f * random.NextSingle();
        var mixed = Unit(Rotated([.. one.Zip(other, (x, y) => (1 - share) * x + share * y)], rotation));
        var noise = Unit(Normal(Width, random));
        return Unit([.. mixed.Zip(noise, (x, y) => x + 0.3f * y)]);
    }

    private static float[][] Rotation(int from)
    {
        // Random directions of 512 dimensions are nearly at right angles: angles between the vectors stay, to a few hundredths.
        var random = new Random(2);
        return [.. Enumerable.Range(0, from).Select(_ => Unit(Normal(Width, random)))];
    }

    private static float[] Rotated(float[] vector, float[][] rotation)
    {
        var rotated = new float[Width];
        for (int i = 0; i < vector.Length; i++)
            for (int j = 0; j < Width; j++) rotated[j] += vector[i] * rotation[i][j];
        return rotated;
    }

    private static float[] Normal(int count, Random random) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(
            2 * Math.PI * random.NextDouble())))];

    private static float[] Unit(float[] vector)
    {
        float length = MathF.Sqrt(vector.Sum(value => value * value));
        return [.. vector.Select(value => value / length)];
    }
}
