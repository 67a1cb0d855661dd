using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Tests;

public sealed class LessonTests
{
    [Fact]
    public void The_repository_is_found_above_the_library() =>
        Assert.True(File.Exists(Path.Combine(Lesson.Repository, "ClipNotebooks.sln")));

    [Fact]
    public void Samples_come_in_the_order_of_the_captions_file()
    {
        var samples = Lesson.Samples(3);
        Assert.Equal(["cat.png", "dog.png", "bird.png"], samples.Select(s => s.File));
        Assert.All(samples, s => Assert.True(s.Captions.Count > 0 && s.Image.Width > 0));
    }

    [Fact]
    public void Results_that_agree_are_told_by_their_largest_difference() =>
        Assert.Equal("By hand and by the library: equal, to within 0.", Lesson.Agree(tensor(new[] { 1f, 2f }), tensor(new[] { 1.0, 2.0 })));

    [Fact]
    public void Results_of_other_values_end_the_cell() =>
        Assert.Contains("differ by up to 0.5", Assert.Throws<InvalidOperationException>(() => Lesson.Agree(1.5, 1)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Results_of_other_shapes_end_the_cell() =>
        Assert.Contains("by hand (2), by the library (2, 1)",
            Assert.Throws<InvalidOperationException>(() => Lesson.Agree(zeros(2), zeros(2, 1))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_step_is_the_optimizers_and_collection_goes_on_after_it()
    {
        using var scope = NewDisposeScope();
        using var parameter = new TorchSharp.Modules.Parameter(ones(3));
        using var optimizer = optim.SGD([parameter], 0.5);
        parameter.sum().backward();
        Lesson.Step(optimizer);
        Assert.Equal([0.5f, 0.5f, 0.5f], parameter.data<float>());
        Assert.NotEqual(System.Runtime.GCLatencyMode.NoGCRegion, System.Runtime.GCSettings.LatencyMode);
    }
}
