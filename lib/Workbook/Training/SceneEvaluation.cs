using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Workbook.Scenes;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Training;

/// <summary>
/// How well a model does on synthetic scenes. The scenes of <see cref="SceneWorld.HeldOut"/> have compositions that it never saw.
/// </summary>
/// <param name="Scenes">Scenes classified: the same number for each concept.</param>
/// <param name="Top1">The share whose concept is the most probable of all, each named as "a photo of a {}.".</param>
/// <param name="WorstConcept">The concept with the lowest share.</param>
/// <param name="WorstTop1">Its share.</param>
/// <param name="Pairs">Scenes in the retrieval, all with different captions.</param>
/// <param name="TextToImageAt1">Recall@1 from full caption to image among them.</param>
/// <param name="TextToImageAt5">Recall@5 likewise.</param>
/// <param name="ImageToTextAt1">Recall@1 from image to full caption.</param>
/// <param name="ImageToTextAt5">Recall@5 likewise.</param>
/// <param name="SampleDiagonal">
/// How many of the eight sample pictures' rows and columns have their maximum on the diagonal; 16 at most.
/// </param>
public sealed record SceneEvaluation(
    int Scenes, double Top1, string WorstConcept, double WorstTop1,
    int Pairs, double TextToImageAt1, double TextToImageAt5, double ImageToTextAt1, double ImageToTextAt5, int SampleDiagonal)
{
    private static readonly string[] Prompt = ["a photo of a {}."];

    /// <summary>Measures a model.</summary>
    /// <param name="encoder">The model.</param>
    /// <param name="world">Which scenes.</param>
    /// <param name="perConcept">Scenes of each concept to classify.</param>
    /// <param name="pairs">Scenes in the retrieval.</param>
    /// <param name="resolution">The side at which the scenes are drawn, in pixels, before the model's own resize.</param>
    public static SceneEvaluation Measure(ClipEncoder encoder, SceneWorld world, int perConcept = 25, int pairs = 200, int resolution = 224)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        var concepts = SyntheticScenes.Concepts;
        using var classifier = new ZeroShotClassifier(encoder, concepts, Prompt);
        var right = concepts.Select((concept, label) => (Concept: concept, Top1: classifier.Top1(
            [.. Enumerable.Range(0, perConcept).Select(i => SyntheticScenes.Create(world, concept, i).Draw(resolution))],
            [.. Enumerable.Repeat(label, perConcept)]))).ToList();
        var worst = right.MinBy(entry => entry.Top1);

        using var scope = NewDisposeScope();
        var scenes = Distinct(world, pairs);
        var similarity = encoder.EncodeTexts([.. scenes.Select(s => s.Captions[0])])
            .mm(encoder.EncodeImages([.. scenes.Select(s => s.Draw(resolution))]).t());
        var samples = Lesson.Samples(8);
        var matrix = encoder.EncodeImages([.. samples.Select(s => s.Image)])
            .mm(encoder.EncodeTexts([.. samples.Select(s => s.Captions[0])]).t());
        double diagonal = Retrieval.RecallAt(matrix, 1) + Retrieval.RecallAt(matrix.t(), 1);
        return new SceneEvaluation(
            perConcept * concepts.Count, right.Average(entry => entry.Top1), worst.Concept, worst.Top1,
            scenes.Count, Retrieval.RecallAt(similarity, 1), Retrieval.RecallAt(similarity, 5),
            Retrieval.RecallAt(similarity.t(), 1), Retrieval.RecallAt(similarity.t(), 5), (int)Math.Round(diagonal * samples.Count));
    }

    /// <summary>
    /// The world's first scenes whose full captions are all different: two pictures with one caption cannot be told apart by it.
    /// </summary>
    private static List<Scene> Distinct(SceneWorld world, int count)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var scenes = new List<Scene>();
        for (long index = 0; scenes.Count < count; index++)
        {
            var scene = SyntheticScenes.Create(world, index);
            if (seen.Add(scene.Captions[0])) scenes.Add(scene);
        }
        return scenes;
    }
}
