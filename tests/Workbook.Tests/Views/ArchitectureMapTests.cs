using System.Text.RegularExpressions;
using System.Xml.Linq;
using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Workbook.Tests.Views;

public sealed partial class ArchitectureMapTests
{
    public static TheoryData<string> Parts { get; } =
        ["image", "vision", "text", "tokens", "projection", "similarity", "loss", "training", "weights", "classifier", "search"];

    [Theory, MemberData(nameof(Parts))]
    public void A_part_is_marked_in_the_drawing_and_named_in_the_text(string part)
    {
        foreach (string language in new[] { "en", "ko" })
        {
            ArchitectureMap marked = new(part, language), plain = new("all", language);
            // Both projections are one part.
            Assert.Equal(part == "projection" ? 2 : 1, Pin().Count(marked.ToHtml()));
            Assert.Equal(0, Pin().Count(plain.ToHtml()));
            Assert.Contains(language == "ko" ? "지금 여기: " : "You are here: ", marked.ToText(), StringComparison.Ordinal);
            Assert.NotEqual(plain.ToText(), marked.ToText());
        }
    }

    [Fact]
    public void Several_parts_are_marked_together()
    {
        ArchitectureMap map = new("vision, text", "en");
        Assert.Equal(2, Pin().Count(map.ToHtml()));
        Assert.EndsWith("You are here: the vision encoder, the text encoder.", map.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_drawing_says_what_it_shows_and_is_a_picture_by_itself_too()
    {
        string html = new ArchitectureMap("loss", "en").ToHtml();
        var svg = XElement.Parse(html).Element("svg")!;
        Assert.Equal("img", svg.Attribute("role")!.Value);
        Assert.EndsWith("You are here: the contrastive loss.", svg.Attribute("aria-label")!.Value, StringComparison.Ordinal);
        Assert.Contains("<img alt=\"The architecture of CLIP: ", Drawings.AsImages(html), StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_lead_where_they_are_told_to()
    {
        string html = new ArchitectureMap("all", "en").ToHtml(part => part == "loss" ? "04.html?a&b" : null);
        var link = Assert.Single(XElement.Parse(html).Descendants("a"));
        Assert.Equal("04.html?a&b", link.Attribute("href")!.Value);
        Assert.StartsWith("Loss", link.Value, StringComparison.Ordinal);
        Assert.Equal("group", XElement.Parse(html).Element("svg")!.Attribute("role")!.Value);
    }

    [Theory, InlineData(""), InlineData("Loss"), InlineData("loss,heads")]
    public void Another_part_is_refused_with_the_parts_that_there_are(string here) =>
        Assert.Contains("its parts are image, tokens, vision", Assert.Throws<ArgumentException>(() => new ArchitectureMap(here)).Message,
            StringComparison.Ordinal);

    [GeneratedRegex("<circle")]
    private static partial Regex Pin();
}
