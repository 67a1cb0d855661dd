using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Training;

/// <summary>What the recipes of both embedded models have in common.</summary>
internal static class SmallClip
{
    public const int ImageSize = 64, ContextLength = 32;

    public static ImageTransformConfig Transform { get; } =
        new() { ResizeSize = ImageSize, Size = ImageSize, ConvertFirst = true, CropRoundsDown = true };

    public static TrainerOptions Options(int steps, double learningRate, double weightDecay) => new()
    {
        Steps = steps,
        LearningRate = learningRate,
        WarmupSteps = Math.Max(1, Math.Min(200, steps / 10)),
        WeightDecay = weightDecay,
    };

    /// <param name="vision">The image tower.</param>
    /// <param name="vocabularySize">The number of token ids; the last is the end token's.</param>
    public static ClipConfig Config(VisionConfig vision, int vocabularySize) => new()
    {
        Vision = vision,
        Text = new TextConfig { ContextLength = ContextLength, VocabularySize = vocabularySize, Width = 128, Layers = 3, Heads = 4,
            EndOfTextId = vocabularySize - 1 },
        EmbeddingWidth = 128,
    };

    /// <summary>Trains a vocabulary on captions, writes it with the image configuration, and reads it.</summary>
    public static ClipTokenizer WriteVocabulary(IEnumerable<string> captions, int size, string folder)
    {
        Directory.CreateDirectory(folder);
        BytePairTrainer.Train(captions, size, folder);
        Transform.Save(Path.Combine(folder, "preprocessor_config.json"));
        return ClipTokenizer.Load(folder, ContextLength);
    }

    /// <summary>A model with fresh weights, which the seed fixes.</summary>
    public static ClipModel Create(ClipConfig config, int seed)
    {
        random.manual_seed(seed);
        return new ClipModel(config);
    }

    /// <summary>Makes a batch of pairs; captions are cut at the tokenizer's context length.</summary>
    /// <returns>Pixels (B, 3, R, R) and token ids (B, L), L being the longest caption's.</returns>
    public static TrainingBatch Batch(ITokenizer tokenizer, ClipImageTransform transform, int count,
        Func<int, (RasterImage Image, string Caption)> pair)
    {
        int side = transform.Config.Size, stride = 3 * side * side;
        var pixels = new float[count * stride];
        var captions = new string[count];
        for (int i = 0; i < count; i++)
        {
            (var image, captions[i]) = pair(i);
            transform.Apply(image, pixels.AsSpan(i * stride, stride));
        }
        var tokens = tokenizer.Tokenize(captions, truncate: true);
        return new TrainingBatch(tensor(pixels, [count, 3, side, side]), tensor(tokens.Ids, [tokens.Count, tokens.Length]));
    }
}
