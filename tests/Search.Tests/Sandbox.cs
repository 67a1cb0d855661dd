using System.Runtime.CompilerServices;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Search.Storage;
using static TorchSharp.torch;

namespace ClipNotebooks.Search.Tests;

/// <summary>A folder that is gone after the test, with a place for pictures and one for an index.</summary>
internal sealed class Sandbox : IDisposable
{
    internal static string RepositoryRoot { get; } = Find();

    internal static string TinyClip => Path.Combine(RepositoryRoot, "data", "models", "tiny-clip");

    internal static bool Long { get; } = Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1";

    internal Sandbox()
    {
        Folder = Directory.CreateTempSubdirectory("search-").FullName;
        Pictures = Directory.CreateDirectory(Path.Combine(Folder, "pictures")).FullName;
    }

    internal string Folder { get; }

    internal string Pictures { get; }

    internal string Index => Path.Combine(Folder, "index");

    /// <summary>A very small CLIP with random weights: what is tested happens around a model.</summary>
    internal static ClipEncoder RandomClip(int seed = 1)
    {
        manual_seed(seed);
        var tokenizer = ClipTokenizer.Load(TinyClip, 16);
        var model = new ClipModel(new ClipConfig
        {
            EmbeddingWidth = 24,
            Vision = new VisionConfig { ImageSize = 16, PatchSize = 8, Width = 32, Layers = 1, Heads = 2 },
            Text = new TextConfig { ContextLength = 16, VocabularySize = tokenizer.VocabularySize, Width = 32, Layers = 1, Heads = 2 },
        });
        return new ClipEncoder(model, new ClipProcessor(
            new ClipImageTransform(new ImageTransformConfig { Size = 16, ResizeSize = 16 }), tokenizer));
    }

    /// <summary>Noise, so that any two images differ in their embeddings.</summary>
    internal static RasterImage Image(int seed, int width = 20, int height = 16)
    {
        var pixels = new byte[3 * width * height];
        new Random(seed).NextBytes(pixels);
        return RasterImage.FromRgb(width, height, pixels);
    }

    /// <summary>Writes a picture of noise below the folder of pictures.</summary>
    internal string Picture(string name, int seed)
    {
        string path = Path.Combine(Pictures, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        Image(seed).SavePng(path);
        return path;
    }

    /// <summary>(N, E) random unit vectors.</summary>
    internal static float[] Vectors(int count, int width, int seed = 1)
    {
        var random = new Random(seed);
        var values = new float[count * width];
        for (int row = 0; row < count; row++)
        {
            var vector = values.AsSpan(row * width, width);
            double square = 0;
            for (int i = 0; i < width; i++) square += (vector[i] =
                (float)(random.NextDouble() + random.NextDouble() - 1)) * (double)vector[i];
            for (int i = 0; i < width; i++) vector[i] = (float)(vector[i] / Math.Sqrt(square));
        }
        return values;
    }

    /// <summary>An index of vectors that no model made.</summary>
    internal ImageSearchIndex OfVectors(int width, VectorStorage storage = VectorStorage.Float32) =>
        ImageSearchIndex.Create(Index, width, "no model", "no model", null, new IndexOptions { Storage = storage });

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static string Find([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));
}
