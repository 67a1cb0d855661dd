using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Inference;

/// <summary>A very small CLIP with random weights: what is tested is what happens around a model, not what one has learned.</summary>
internal static class RandomClip
{
    internal static ClipEncoder Create(int seed = 1)
    {
        manual_seed(seed);
        var tokenizer = ClipTokenizer.Load(Path.Combine(Repository.Root, "data", "models", "tiny-clip"), 16);
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
}
