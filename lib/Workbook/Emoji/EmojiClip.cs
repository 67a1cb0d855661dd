using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.FineTuning;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Emoji;

/// <summary>
/// The recipe of a small CLIP for emoji: everything that its weights depend on, besides the data, the seed, the number of steps and the
/// batch.
/// </summary>
public static class EmojiClip
{
    /// <summary>R, the side of its input in pixels.</summary>
    public const int ImageSize = 64;

    /// <summary>The longest row of token ids, start and end included.</summary>
    public const int ContextLength = 32;

    /// <summary>The default number of optimizer steps.</summary>
    public const int Steps = 4000;

    /// <summary>B, the default number of pairs in a batch.</summary>
    public const int Batch = 128;

    private const int VocabularySize = 4096;

    /// <summary>The training options.</summary>
    /// <param name="steps">Optimizer steps.</param>
    public static TrainerOptions Options(int steps) => new()
    {
        Steps = steps,
        LearningRate = 1e-3,
        WarmupSteps = Math.Max(1, Math.Min(200, steps / 10)),
        WeightDecay = 0.2,
    };

    /// <summary>
    /// The model's shape. The image tower is a ResNet, which in a trial learned faster than a Vision Transformer of as many operations (the
    /// model's card has the figures).
    /// </summary>
    /// <param name="vocabularySize">The number of token ids; the last is the end token's.</param>
    public static ClipConfig Config(int vocabularySize) => new()
    {
        Vision = VisionConfig.ResNet(ImageSize, 28, (1, 1, 2, 1)),
        Text = new TextConfig { ContextLength = ContextLength, VocabularySize = vocabularySize, Width = 128, Layers = 3, Heads = 4,
            EndOfTextId = vocabularySize - 1 },
        EmbeddingWidth = 128,
    };

    /// <summary>The transform of its images, in the form that Hugging Face models have.</summary>
    public static ImageTransformConfig Transform { get; } =
        new() { ResizeSize = ImageSize, Size = ImageSize, ConvertFirst = true, CropRoundsDown = true };

    /// <summary>
    /// Trains its vocabulary on the names and on the keywords that may be trained with, and writes it and the image configuration.
    /// </summary>
    /// <param name="data">The data.</param>
    /// <param name="folder">The model's folder.</param>
    /// <returns>The tokenizer.</returns>
    public static ClipTokenizer WriteVocabulary(EmojiData data, string folder)
    {
        ArgumentNullException.ThrowIfNull(data);
        Directory.CreateDirectory(folder);
        BytePairTrainer.Train(EmojiCaptions.All(data.Concepts), VocabularySize, folder);
        Transform.Save(Path.Combine(folder, "preprocessor_config.json"));
        return ClipTokenizer.Load(folder, ContextLength);
    }

    /// <summary>A model with fresh weights.</summary>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="seed">Fixes the weights.</param>
    public static ClipModel Create(ITokenizer tokenizer, int seed)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        random.manual_seed(seed);
        return new ClipModel(Config(tokenizer.VocabularySize));
    }

    /// <summary>
    /// Writes the weights and the configuration beside the vocabulary, in OpenCLIP's layout, which supports a ResNet, and in float16, which
    /// is half the size.
    /// </summary>
    public static void Save(ClipModel model, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var half = WeightInterpolation.Between(model, model, 0);
        half.to(float16);
        ClipCheckpoint.SavePretrained(half, folder, CheckpointLayout.OpenClip);
    }
}
