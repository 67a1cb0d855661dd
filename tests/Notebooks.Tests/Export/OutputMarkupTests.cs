using ClipNotebooks.Cli.Notebooks.Export;
using ClipNotebooks.Workbook.Views;
using static TorchSharp.torch;

namespace ClipNotebooks.Notebooks.Tests.Export;

public sealed class OutputMarkupTests
{
    private const string Hostile = "</script></div>\n<script type=\"application/json\">&\"'한";

    [Fact]
    public void Of_an_interactive_its_still_form_is_left_whatever_its_words_are()
    {
        using var logits = zeros(2, 2);
        string[] words = [Hostile, "b"];
        string loss = new LossByHand(logits, words, words).ToHtml(), block = new BlockByHand().ToHtml();
        string html = $"<p>before</p>\n{loss}\n<p>between</p>\n{block}<p>after</p>";
        string still = OutputMarkup.Still(html);
        Assert.DoesNotContain("<script", still, StringComparison.Ordinal);
        Assert.DoesNotContain("clip-live", still, StringComparison.Ordinal);
        Assert.DoesNotContain("<svg", still, StringComparison.Ordinal);
        string[] texts = ["<p>before</p>", "the loss is 0.6931", "&lt;/script&gt;&lt;/div&gt;", "<p>between</p>", "<p>after</p>"];
        foreach (string text in texts)
            Assert.Contains(text, still, StringComparison.Ordinal);
        Assert.Equal(still.Split("<div").Length, still.Split("</div>").Length);
    }
}
