using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Workbook.Scenes;
using ClipNotebooks.Workbook.Training;

namespace ClipNotebooks.Workbook.Tests.Training;

public sealed class SceneEvaluationTests
{
    // The card's own measurement has 25 scenes of each concept; 8 of each, 352, differ from it by less than two points.
    [Fact]
    public void The_embedded_model_knows_the_concepts_in_compositions_that_it_never_saw()
    {
        using var encoder = ClipEncoder.FromPretrained(Path.Combine(Lesson.Data, "models", "tiny-clip"));
        var measured = SceneEvaluation.Measure(encoder, SceneWorld.HeldOut, perConcept: 8);
        Assert.True(measured.Top1 >= 0.95, $"zero-shot top-1 is {measured.Top1:p1}, the worst is {measured.WorstConcept} with " +
            $"{measured.WorstTop1:p0}");
        Assert.True(measured.TextToImageAt1 >= 0.75, $"text to image recall@1 is {measured.TextToImageAt1:p1}");
        Assert.Equal(16, measured.SampleDiagonal);
    }
}
