using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Workbook.Scenes;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Training;

/// <summary>
/// The recipe of <c>data/models/tiny-clip</c>: everything that its weights depend on, besides the seed, the number of steps and the batch.
/// </summary>
public static class TinyClip
{
    /// <summary>R, the side of its input in pixels.</summary>
    public const int ImageSize = 64;

    /// <summary>The longest row of token ids, start and end included.</summary>
    public const int ContextLength = 32;

    private const int VocabularySize = 1024;
    private const int CaptionsForVocabulary = 20_000;

    /// <summary>The training options.</summary>
    /// <param name="steps">Optimizer steps.</param>
    public static TrainerOptions Options(int steps) => new()
    {
        Steps = steps,
        LearningRate = 5e-4,
        WarmupSteps = Math.Max(1, Math.Min(200, steps / 10)),
        WeightDecay = 0.1,
    };

    /// <summary>The model's shape.</summary>
    /// <param name="vocabularySize">The number of token ids; the last is the end token's.</param>
    public static ClipConfig Config(int vocabularySize) => new()
    {
        Vision = new VisionConfig { ImageSize = ImageSize, PatchSize = 8, Width = 128, Layers = 4, Heads = 4 },
        Text = new TextConfig { ContextLength = ContextLength, VocabularySize = vocabularySize, Width = 128, Layers = 3, Heads = 4,
            EndOfTextId = vocabularySize - 1 },
        EmbeddingWidth = 128,
    };

    /// <summary>The transform of its images, in the form that Hugging Face models have.</summary>
    public static ImageTransformConfig Transform { get; } =
        new() { ResizeSize = ImageSize, Size = ImageSize, ConvertFirst = true, CropRoundsDown = true };

    /// <summary>Trains its vocabulary on the training world's captions, and writes it with the image configuration.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <returns>The tokenizer.</returns>
    public static ClipTokenizer WriteVocabulary(string folder)
    {
        Directory.CreateDirectory(folder);
        var captions = Enumerable.Range(0, CaptionsForVocabulary).SelectMany(i => SyntheticScenes.Create(SceneWorld.Train, i).Captions)
            .Concat(SyntheticScenes.Concepts.Select(concept => $"a photo of a {concept}."));
        BytePairTrainer.Train(captions, VocabularySize, folder);
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

    /// <summary>Writes the weights and the configuration beside the vocabulary.</summary>
    public static void Save(ClipModel model, string folder) => ClipCheckpoint.SavePretrained(model, folder);
}
