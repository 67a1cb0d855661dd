namespace ClipNotebooks.Plots.Tests;

public class PlotPageTests
{
    [Fact]
    public void A_fragment_carries_its_figure_its_still_form_and_a_script_but_not_the_library()
    {
        string fragment = PlotPage.Fragment("""{"data":["it's <b>"]}""", "A & B", "what is \"seen\"", "<table></table>");

        Assert.Contains("data-plot=\"{&quot;data&quot;:[&quot;it&#39;s &lt;b&gt;&quot;]}\"", fragment, StringComparison.Ordinal);
        Assert.Contains("A &amp; B", fragment, StringComparison.Ordinal);
        Assert.Contains("aria-label=\"what is &quot;seen&quot;\"", fragment, StringComparison.Ordinal);
        Assert.Contains("<table></table>", fragment, StringComparison.Ordinal);
        Assert.InRange(fragment.Length, 500, 5000); // the script is some 3,000 characters, the library 3.5 million
    }

    [Fact]
    public void The_library_is_plotly_2_28_and_can_stand_inside_a_script_element()
    {
        Assert.Contains("plotly.js v2.28", PlotPage.PlotlyJavaScript[..200], StringComparison.Ordinal);
        Assert.DoesNotContain("</script", PlotPage.PlotlyJavaScript, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_caption_with_markup_cannot_script_the_page()
    {
        const string hostile = "</script><script>alert(1)</script><b>x</b>";
        string figure = Figures.HeatMap([[1]], [hostile], [hostile], [], hostile, ["red", "blue"], [["#111"]], 0, 1, false);
        string page = PlotPage.Fragment(figure, hostile, hostile, "still");
        Assert.DoesNotContain("<script>alert", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>x", page, StringComparison.Ordinal);
    }
}
