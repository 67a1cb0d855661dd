using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.FineTuning;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Workbook.Training;
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
    public const int ImageSize = SmallClip.ImageSize;

    /// <summary>The longest row of token ids, start and end included.</summary>
    public const int ContextLength = SmallClip.ContextLength;

    /// <summary>The default number of optimizer steps.</summary>
    public const int Steps = 4000;

    /// <summary>B, the default number of pairs in a batch.</summary>
    public const int Batch = 128;

    private const int VocabularySize = 4096;

    /// <summary>The training options.</summary>
    /// <param name="steps">Optimizer steps.</param>
    public static TrainerOptions Options(int steps) => SmallClip.Options(steps, learningRate: 1e-3, weightDecay: 0.2);

    /// <summary>
    /// The model's shape. The image tower is a ResNet, which in a trial learned faster than a Vision Transformer of as many operations (the
    /// model's card has the figures).
    /// </summary>
    /// <param name="vocabularySize">The number of token ids; the last is the end token's.</param>
    public static ClipConfig Config(int vocabularySize) => SmallClip.Config(
        VisionConfig.ResNet(ImageSize, 28, (1, 1, 2, 1)), vocabularySize);

    /// <summary>The transform of its images, in the form that Hugging Face models have.</summary>
    public static ImageTransformConfig Transform => SmallClip.Transform;

    /// <summary>
    /// Trains its vocabulary on the names and on the keywords that may be trained with, and writes it and the image configuration.
    /// </summary>
    /// <param name="data">The data.</param>
    /// <param name="folder">The model's folder.</param>
    /// <returns>The tokenizer.</returns>
    public static ClipTokenizer WriteVocabulary(EmojiData data, string folder)
    {
        ArgumentNullException.ThrowIfNull(data);
        return SmallClip.WriteVocabulary(EmojiCaptions.All(data.Concepts), VocabularySize, folder);
    }

    /// <summary>A model with fresh weights.</summary>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="seed">Fixes the weights.</param>
    public static ClipModel Create(ITokenizer tokenizer, int seed)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return SmallClip.Create(Config(tokenizer.VocabularySize), seed);
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
