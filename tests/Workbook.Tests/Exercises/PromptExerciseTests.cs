using ClipNotebooks.Workbook.Exercises;
using TorchSharp;

namespace ClipNotebooks.Workbook.Tests.Exercises;

public sealed class PromptExerciseTests
{
    private static PromptExercise Exercise => ZeroShotExercises.Prompts;

    // Half as much again as is asked: the order of additions in libtorch may move a few answers.
    [Fact]
    public void The_reference_gains_clearly_more_than_is_asked_on_each_set()
    {
        string finding = Exercise.Check(Exercise.Reference).Finding;
        double[] gains = [.. finding.Split("; ").Select(
            set => double.Parse(set.Split(", ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(3, gains.Length);
        Assert.True(gains.Min() >= 1.5 * PromptExercise.PointsAsked, finding);
    }

    [Fact]
    public void A_finding_says_of_every_set_what_the_share_was_what_it_became_and_by_how_many_points()
    {
        string finding = Exercise.Check(label => [$"a photo of a {label}."]).Finding;
        foreach (var (name, labels) in PromptExercise.Sets)
        {
            Assert.Contains(name + ": ", finding, StringComparison.Ordinal);
            Assert.True(labels.Count >= 8);
        }
        Assert.Contains(", 0.0 points; 5 or more are asked for on each", finding, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unfilled_stub_is_not_yet_attempted() =>
        Assert.Equal(ExerciseStatus.NotYetAttempted, Exercise.Check(_ => Workbook.Exercises.Exercise.NotYet<string[]>()).Status);

    [Fact]
    public void No_caption_an_empty_one_and_null_are_told_with_their_label()
    {
        foreach (Func<string, string[]> attempt in new Func<string, string[]>[] { _ => [], _ => ["a cat", " "], _ => null! })
        {
            var result = Exercise.Check(attempt);
            Assert.Equal(ExerciseStatus.Wrong, result.Status);
            Assert.Equal("for the label \"automobile\", your function gave no caption or an empty one", result.Finding);
        }
    }

    [Fact]
    public void An_exception_of_the_reader_is_a_finding() =>
        Assert.Equal("your function stopped: no idea (FormatException)", Exercise.Check(_ => throw new FormatException("no idea")).Finding);

    [Fact]
    public void A_check_leaves_no_tensor_behind()
    {
        Exercise.Check(label => [label]);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Exercise.Check(label => [$"a {label}"]);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
