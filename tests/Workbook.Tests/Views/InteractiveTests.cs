using System.Text.Json;
using System.Text.RegularExpressions;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Views;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Tests.Views;

/// <summary>What the interactives are without a browser: their still and text forms, what they carry, what they refuse.</summary>
public sealed partial class InteractiveTests
{
    private static readonly RasterImage Red = RasterImage.FromRgb(2, 2, [255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0]);
    private static readonly RasterImage Blue = RasterImage.FromRgb(2, 2, [0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255]);

    public static TheoryData<string> Names { get; } =
        ["loss", "try", "sentence", "attention", "block", "film", "classifier", "search", "gap"];

    [Theory, MemberData(nameof(Names))]
    public void An_interactive_carries_what_it_needs_and_asks_nobody(string name)
    {
        var view = View(name);
        string html = view.ToHtml(), still = Between(html, "<div class=\"clip-live-still\">", "<script type=\"application/json\">");
        Assert.Matches(@"\d", still);
        Assert.Matches(@"\d", view.ToText());
        Assert.DoesNotContain("<script", view.ToText(), StringComparison.Ordinal);
        using var content = JsonDocument.Parse(Between(html, "<script type=\"application/json\">", "</script>"));
        Assert.Equal(JsonValueKind.Object, content.RootElement.ValueKind);
        // The one address is the name space of SVG, which nobody is asked for.
        Assert.All(Address().Matches(html), found => Assert.Equal("http://www.w3.org/2000/svg", found.Value));
    }

    [Fact]
    public void A_page_says_where_the_model_in_it_is_not_the_lessons()
    {
        Assert.Empty(InteractiveModel.Note(Path.Combine(Lesson.Data, "models", "tiny-clip")));
        string note = InteractiveModel.Note("google/siglip2<b>");
        Assert.Contains("the embedded model answers and not google/siglip2&lt;b&gt;", note, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_from_outside_does_not_leave_its_place()
    {
        const string Evil = "</script><img src=x onerror=alert(1)>";
        using var scope = NewDisposeScope();
        foreach (Interactive view in new Interactive[]
                 {
                     new LossByHand(eye(2), [Evil, "b"], [Evil, "d"]), new GapByHand(eye(2), eye(2), [Evil, "b"], 10), Film(Evil),
                     new SearchByHand([Red, Blue], [Evil, "b"], Evil),
                         new ClassifierByHand([Red, Blue], [0, 1], [Evil, "b"], [Evil + "{}"]),
                 })
            Assert.DoesNotContain("<img src=x", view.ToHtml(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_loss_is_the_library_s()
    {
        using var scope = NewDisposeScope();
        var view = new LossByHand(tensor(new[,] { { 2f, 0f }, { 1f, 3f } }), ["a", "b"], ["c", "d"]);
        // -ln of 0.881 and 0.881 in the rows, 0.731 and 0.953 in the columns.
        Assert.Contains("loss is 0.1539: image to text 0.1269, text to image 0.1809; knowing nothing costs 0.6931", view.ToText(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_film_says_where_its_runs_ended()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("2 / 2", Film("right").ToText(), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Film("right").Record("right", 1, 1, 1, eye(3), eye(3)));
    }

    [Fact]
    public void What_does_not_fit_together_is_refused()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => new LossByHand(ones(2, 3), ["a", "b"], ["c", "d", "e"]));
        Assert.Throws<ArgumentException>(() => new LossByHand(eye(2) * 100, ["a", "b"], ["c", "d"]));
        Assert.Throws<ArgumentException>(() => new TryIt(Lesson.Samples(2), ["a"], count: 3));
        Assert.Throws<ArgumentException>(() => new SentenceByHand(string.Join(' ', Enumerable.Repeat("a cat at night", 40))));
        Assert.Throws<ArgumentException>(() => new AttentionByHand([]));
        Assert.Throws<ArgumentException>(() => new TrainingFilm([Red], ["a", "b"]));
        TrainingFilm film = new([Red, Blue], ["red", "blue"]);
        Assert.Contains("\"fast\" has diverged: after step 7 its loss is NaN", Assert.Throws<ArgumentException>(() =>
            film.Record("fast", 7, double.NaN, 0.07, eye(2), eye(2))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new ClassifierByHand([Red], [2], ["a", "b"], ["a {}"]));
        Assert.Throws<ArgumentException>(() => new SearchByHand([Red], ["a"], "a"));
        Assert.Throws<ArgumentException>(() => new GapByHand(eye(2), eye(3), ["a", "b"], 1));
    }

    [Fact]
    public void What_a_script_is_given_neither_ends_it_nor_changes()
    {
        string[] captions = ["</script><b>&\"", "빨강 + red \\u002B"];
        string given = Between(new SearchByHand([Red, Blue], captions, "red").ToHtml(), "<script type=\"application/json\">", "</script>");
        Assert.DoesNotContain('<', given);
        using JsonDocument read = JsonDocument.Parse(given);
        Assert.Equal(captions, read.RootElement.GetProperty("captions").EnumerateArray().Select(one => one.GetString()));
    }

    private static TrainingFilm Film(string run)
    {
        TrainingFilm film = new([Red, Blue], ["red", "blue"]);
        film.Record(run, 0, 0.7, 0.07, ones(2, 4), ones(2, 4) + eye(2, 4));
        film.Record(run, 5, 0.1, 0.06, eye(2, 4), eye(2, 4));
        return film;
    }

    private static Interactive View(string name)
    {
        using var scope = NewDisposeScope();
        return name switch
        {
            "loss" => new LossByHand(eye(2), ["a", "b"], ["c", "d"]),
            "try" => new TryIt(Lesson.Samples(4), ["a cat", "a dog"]),
            "sentence" => new SentenceByHand("A catamaran at night"),
            "attention" => new AttentionByHand(Lesson.Samples(1)),
            "block" => new BlockByHand(),
            "film" => Film("right"),
            "classifier" => new ClassifierByHand([Red, Blue], [0, 1], ["red", "blue"], ["a {} thing"]),
            "search" => new SearchByHand([Red, Blue], ["red", "blue"], "red"),
            _ => new GapByHand(eye(3), eye(3).roll(1, 1), ["a", "b", "c"], 10),
        };
    }

    private static string Between(string text, string from, string to)
    {
        int start = text.IndexOf(from, StringComparison.Ordinal) + from.Length;
        return text[start..text.IndexOf(to, start, StringComparison.Ordinal)];
    }

    [GeneratedRegex("""https?://[^"'\s`<]*""")]
    private static partial Regex Address();
}
