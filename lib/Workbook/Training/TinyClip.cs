using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Workbook.Training;

/// <summary>
/// The recipe of <c>data/models/tiny-clip</c>: everything that its weights depend on, besides the seed, the number of steps and the batch.
/// </summary>
public static class TinyClip
{
    /// <summary>R, the side of its input in pixels.</summary>
    public const int ImageSize = SmallClip.ImageSize;

    /// <summary>The longest row of token ids, start and end included.</summary>
    public const int ContextLength = SmallClip.ContextLength;

    private const int VocabularySize = 1024;
    private const int CaptionsForVocabulary = 20_000;

    /// <summary>The training options.</summary>
    /// <param name="steps">Optimizer steps.</param>
    public static TrainerOptions Options(int steps) => SmallClip.Options(steps, learningRate: 5e-4, weightDecay: 0.1);

    /// <summary>The model's shape.</summary>
    /// <param name="vocabularySize">The number of token ids; the last is the end token's.</param>
    public static ClipConfig Config(int vocabularySize) => SmallClip.Config(
        new VisionConfig { ImageSize = ImageSize, PatchSize = 8, Width = 128, Layers = 4, Heads = 4 }, vocabularySize);

    /// <summary>The transform of its images, in the form that Hugging Face models have.</summary>
    public static ImageTransformConfig Transform => SmallClip.Transform;

    /// <summary>Trains its vocabulary on the training world's captions, and writes it with the image configuration.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <returns>The tokenizer.</returns>
    public static ClipTokenizer WriteVocabulary(string folder)
    {
        var captions = Enumerable.Range(0, CaptionsForVocabulary).SelectMany(i => SyntheticScenes.Create(SceneWorld.Train, i).Captions)
            .Concat(SyntheticScenes.Concepts.Select(concept => $"a photo of a {concept}."));
        return SmallClip.WriteVocabulary(captions, VocabularySize, folder);
    }

    /// <summary>A model with fresh weights.</summary>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="seed">Fixes the weights.</param>
    public static ClipModel Create(ITokenizer tokenizer, int seed)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return SmallClip.Create(Config(tokenizer.VocabularySize), seed);
    }

    /// <summary>Writes the weights and the configuration beside the vocabulary.</summary>
    public static void Save(ClipModel model, string folder) => ClipCheckpoint.SavePretrained(model, folder);
}
