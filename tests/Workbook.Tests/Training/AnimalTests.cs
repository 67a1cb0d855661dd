using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Workbook.Tests.Training;

/// <summary>
/// The document's five animals by the embedded model: a classifier of these five names, on drawings of compositions that the model never
/// saw.
/// </summary>
public sealed class AnimalTests(ITestOutputHelper output)
{
    private static readonly string[] Animals = ["cat", "dog", "bird", "fish", "horse"];

    [Fact]
    public void At_least_95_of_100_held_out_drawings_of_five_animals_are_named_right()
    {
        using var clip = ClipEncoder.FromPretrained(Path.Combine(Lesson.Data, "models", "tiny-clip"));
        using var classifier = new ZeroShotClassifier(clip, Animals);
        var wrong = new List<string>();
        foreach (string animal in Animals)
            for (int i = 0; i < 20; i++)
                if (classifier.Classify(SyntheticScenes.Create(SceneWorld.HeldOut, animal, i).Draw(224))[0].ClassName is var named
                    && named != animal) wrong.Add($"{animal} {i} is named {named}");
        output.WriteLine($"{100 - wrong.Count} of 100 are right");
        Assert.True(wrong.Count <= 5, $"{100 - wrong.Count} of 100 are right: {string.Join(", ", wrong)}");
    }
}
