using ClipNotebooks.Clip.Inference;

namespace ClipNotebooks.Workbook.Tests;

public sealed class StandInTests
{
    public static TheoryData<string> Ids => [.. StandIn.Ids];

    [Theory]
    [MemberData(nameof(Ids))]
    public void What_stands_in_is_whole_says_what_it_is_and_leaves_nothing_behind(string id)
    {
        string[] before = Directory.GetDirectories(Path.GetTempPath(), "clip-stand-in-*");
        var model = StandIn.Open(id);
        using var clip = model.Clip;
        Assert.Contains(id, model.Note, StringComparison.Ordinal);
        Assert.Equal(!model.IsPublished, model.Note.Contains("random weights", StringComparison.Ordinal));
        Assert.Equal(id.StartsWith("google/siglip2", StringComparison.Ordinal), clip.IsSigmoid);
        using var logits = clip.LogitsPerImage([Lesson.Samples(1)[0].Image], ["a photo of a cat", "고양이 사진"]);
        Assert.Equal([1L, 2], logits.shape);
        Assert.Empty(Directory.GetDirectories(Path.GetTempPath(), "clip-stand-in-*").Except(before));
    }

    [Fact]
    public void A_model_that_nothing_stands_in_for_is_refused_with_those_that_are_there()
    {
        var refusal = Assert.Throws<ArgumentException>(() => StandIn.Open("google/other"));
        Assert.Contains(StandIn.Ids[0], refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lesson_takes_the_embedded_model_to_pieces_where_the_one_in_use_has_other_parts()
    {
        using var own = ClipEncoder.FromPretrained(Path.Combine(Lesson.Data, "models", "tiny-clip"));
        Assert.Equal(Lesson.Model, Lesson.ToTakeApart(own));
        using var other = StandIn.Open(StandIn.Ids[0]).Clip;
        Assert.Equal(Path.Combine(Lesson.Data, "models", "tiny-clip"), Lesson.ToTakeApart(other));
    }
}
