using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.FineTuning;

/// <summary>A small model in the shape of transformers' CLIPModel, and pairs of noise that it can learn.</summary>
internal static class TinyPairs
{
    internal const int Width = 32, Layers = 2;

    internal static ClipModel Model(int seed = 1)
    {
        manual_seed(seed);
        return new ClipModel(new ClipConfig
        {
            EmbeddingWidth = 16,
            Vision = new VisionConfig { ImageSize = 16, PatchSize = 8, Width = Width, Layers = Layers, Heads = 2 },
            Text = new TextConfig { ContextLength = 8, VocabularySize = 50, Width = Width, Layers = Layers, Heads = 2 },
        });
    }

    /// <summary>The same with a ResNet before the text tower: its attention pool is (128) → (16).</summary>
    internal static ClipModel ResNet(int seed = 1)
    {
        manual_seed(seed);
        return new ClipModel(new ClipConfig
        {
            EmbeddingWidth = 16,
            Vision = VisionConfig.ResNet(32, 4, (1, 1, 1, 1)),
            Text = new TextConfig { ContextLength = 8, VocabularySize = 50, Width = Width, Layers = Layers, Heads = 2 },
        });
    }

    internal static TrainingBatch Batch(long step = 0, int pairs = 6, int side = 16)
    {
        using var generator = new Generator((ulong)(100 + step % 3));
        var pixels = randn([pairs, 3, side, side], generator: generator);
        var ids = randint(1, 48, [pairs, 8], dtype: ScalarType.Int64, generator: generator);
        ids[.., 7] = 49;
        return new TrainingBatch(pixels, ids);
    }

    /// <summary>(B, B), on the batch.</summary>
    internal static Tensor Logits(ClipModel model, TrainingBatch batch)
    {
        using var scope = NewDisposeScope();
        model.eval();
        return model.call(batch.Pixels, batch.TokenIds).LogitsPerImage.MoveToOuterDisposeScope();
    }

    internal static double Difference(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        return (a - b).abs().max().ToDouble();
    }
}
