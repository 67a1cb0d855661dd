using ClipNotebooks.Clip.Images;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Text;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Workbook.Scenes;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Training;

/// <summary>
/// Batches of synthetic scenes for training: batch k is a function of the seed and k alone, so a run can be resumed. Safe to call from several threads.
/// </summary>
/// <param name="tokenizer">Makes token ids; captions are cut at its context length.</param>
/// <param name="transform">Makes pixels.</param>
/// <param name="size">B, the pairs of a batch.</param>
/// <param name="seed">Which sequence of scenes.</param>
public sealed class SceneBatches(ClipTokenizer tokenizer, ClipImageTransform transform, int size, int seed)
{
    /// <summary>The share of pairs whose caption is the full one.</summary>
    private const double FullCaptions = 0.6;

    /// <summary>The share whose caption is the concept alone, as a classifier's prompts are; the others get any of the scene's captions.</summary>
    private const double Prompts = 0.2;

    private static readonly string[] Templates = [.. PromptTemplates.Photo, "a photo of a {}", "a {}", PromptTemplates.Gap];

    /// <summary>The batch of a step, drawn from <see cref="SceneWorld.Train"/>.</summary>
    /// <returns>Pixels (B, 3, R, R) and token ids (B, L), L being the longest caption's.</returns>
    public TrainingBatch Batch(long step)
    {
        int side = transform.Config.Size, stride = 3 * side * side;
        var pixels = new float[size * stride];
        var captions = new string[size];
        for (int i = 0; i < size; i++)
        {
            long index = ((long)seed << 40) + step * size + i;
            var scene = SyntheticScenes.Create(SceneWorld.Train, index);
            var dice = new Random(HashCode(index));
            captions[i] = dice.NextDouble() switch
            {
                < FullCaptions => scene.Captions[0],
                < FullCaptions + Prompts => PromptTemplates.Fill(Templates[dice.Next(Templates.Length)], scene.Concept),
                _ => scene.Captions[dice.Next(scene.Captions.Count)],
            };
            // At twice the resolution every other time: a reader's pictures come larger than the model's and are resized.
            transform.Apply(scene.Draw(i % 2 == 0 ? side : 2 * side), pixels.AsSpan(i * stride, stride));
        }
        var tokens = tokenizer.Tokenize(captions, truncate: true);
        return new TrainingBatch(tensor(pixels, [size, 3, side, side]), tensor(tokens.Ids, [tokens.Count, tokens.Length]));
    }

    /// <summary>A number that is the same in every process, as <see cref="System.HashCode"/>'s are not.</summary>
    private static int HashCode(long index) => (int)((ulong)index * 0x9E3779B97F4A7C15 >> 33);
}
