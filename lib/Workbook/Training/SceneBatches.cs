using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Workbook.Training;

/// <summary>
/// Batches of synthetic scenes for training. Batch k depends only on the constructor's arguments and k, so a run can be resumed. Safe to
/// call from several threads.
/// </summary>
/// <param name="tokenizer">Makes token ids; captions are cut at its context length.</param>
/// <param name="transform">Makes pixels.</param>
/// <param name="size">B, the pairs of a batch of captions.</param>
/// <param name="seed">Chooses the sequence of scenes.</param>
public sealed class SceneBatches(ITokenizer tokenizer, ClipImageTransform transform, int size, int seed)
{
    /// <summary>One step in this many holds scenes with captions; the others hold one scene of each concept (a roll call).</summary>
    private const int CaptionsEvery = 4;

    /// <summary>The share of captions that are the scene's full one; the others are any of the scene's captions.</summary>
    private const double FullCaptions = 0.75;

    /// <summary>Which channels red, green and blue are taken from: the other five orders, and gray.</summary>
    private static readonly int[][] Channels = [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0], [1, 1, 1]];

    private static readonly string[] Templates = [.. PromptTemplates.Photo, "a photo of a {}", "a {}", PromptTemplates.Gap];

    /// <summary>
    /// The batch of a step, drawn from <see cref="SceneWorld.Train"/>. One step in four holds scenes with their captions, which teach
    /// colours, places and numbers. The others are a roll call: one scene of each concept, named only by a prompt, as a classifier names
    /// it. Half of their coloured things are recoloured. A prompt that names no colour stays true, and the model must not learn that a
    /// concept cannot have a colour which the training world never gives it.
    /// </summary>
    /// <returns>
    /// Pixels (B, 3, R, R) and token ids (B, L), L being the longest caption's; B is the size given, or the number of concepts.
    /// </returns>
    public TrainingBatch Batch(long step) => step % CaptionsEvery == 0 ? Captioned(step) : RollCall(step);

    private TrainingBatch Captioned(long step) => Make(size, i =>
    {
        long index = Index(step) * size + i;
        var scene = SyntheticScenes.Create(SceneWorld.Train, index);
        var dice = new Random(HashCode(index));
        return (scene, dice.NextDouble() < FullCaptions ? scene.Captions[0] : scene.Captions[dice.Next(scene.Captions.Count)], dice);
    }, recolor: false);

    private TrainingBatch RollCall(long step) => Make(SyntheticScenes.Concepts.Count, i =>
    {
        var scene = SyntheticScenes.Create(SceneWorld.Train, SyntheticScenes.Concepts[i], Index(step));
        var dice = new Random(HashCode(Index(step) * SyntheticScenes.Concepts.Count + i));
        return (scene, PromptTemplates.Fill(Templates[dice.Next(Templates.Length)], scene.Concept), dice);
    }, recolor: true);

    private TrainingBatch Make(int count, Func<int, (Scene Scene, string Caption, Random Dice)> pair, bool recolor) =>
        SmallClip.Batch(tokenizer, transform, count, i =>
        {
            var (scene, caption, dice) = pair(i);
            // Drawn at up to three times the resolution, since readers' pictures are larger than the model's and are resized.
            var image = scene.Draw(dice.Next(1, 4) * transform.Config.Size);
            bool other = recolor && scene.Attributes.ContainsKey("color") && dice.Next(2) == 0;
            return (other ? Recolored(image, Channels[dice.Next(Channels.Length)]) : image, caption);
        });

    private static RasterImage Recolored(RasterImage image, int[] channels)
    {
        byte[] rgb = image.ToRgbBytes(), pixels = new byte[rgb.Length];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = rgb[i - i % 3 + channels[i % 3]];
        return RasterImage.FromRgb(image.Width, image.Height, pixels);
    }

    private long Index(long step) => ((long)seed << 40) + step;

    /// <summary>A hash that is the same in every process, unlike those of <see cref="System.HashCode"/>.</summary>
    private static int HashCode(long index) => (int)((ulong)index * 0x9E3779B97F4A7C15 >> 33);
}
