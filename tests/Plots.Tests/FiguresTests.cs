using System.Text.Json;

namespace ClipNotebooks.Plots.Tests;

public class FiguresTests
{
    private static readonly double[][] Values = [[1, -2, 3], [4, 5, double.NaN]];

    private static readonly string[] Colors = ["white", "black"];
    private static readonly string[][] Inks = [["#111", "#222", "#333"], ["#444", "#555", "#666"]];

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement.Clone();

    [Fact]
    public void A_heat_map_holds_the_values_with_a_gap_where_one_is_not_finite()
    {
        var trace = Parse(Figures.HeatMap(Values, ["r0", "r1"], ["a", "b", "c"], [], "logit", Colors, Inks, -2, 5, false))
            .GetProperty("data")[0];

        Assert.Equal("heatmap", trace.GetProperty("type").GetString());
        Assert.Equal(-2, trace.GetProperty("z")[0][1].GetDouble());
        Assert.Equal(JsonValueKind.Null, trace.GetProperty("z")[1][2].ValueKind);
        Assert.Equal((-2, 5), (trace.GetProperty("zmin").GetDouble(), trace.GetProperty("zmax").GetDouble()));
    }

    [Fact]
    public void The_values_are_written_in_the_cells_in_the_ink_given_for_each()
    {
        var text = Parse(Figures.HeatMap(Values, ["r0", "r1"], ["a", "b", "c"], [], "logit", Colors, Inks, -2, 5, false))
            .GetProperty("data")[1];
        Assert.Equal(["1.00", "−2.00", "3.00", "4.00", "5.00", ""], text.GetProperty("text").EnumerateArray().Select(t => t.GetString()));
        Assert.Equal(["#111", "#222", "#333", "#444", "#555", "#666"],
            text.GetProperty("textfont").GetProperty("color").EnumerateArray().Select(t => t.GetString()));
        Assert.Equal([0, 0, 0, 1, 1, 1], text.GetProperty("y").EnumerateArray().Select(t => t.GetInt32()));
    }

    [Fact]
    public void A_number_that_is_written_as_zero_has_no_sign()
    {
        var text = Parse(Figures.HeatMap([[-0.001, -1]], ["r"], ["a", "b"], [], "", Colors, [["#111", "#111"]], -1, 0, false))
            .GetProperty("data")[1].GetProperty("text");
        Assert.Equal(["0.00", "−1.00"], text.EnumerateArray().Select(t => t.GetString()));
    }

    [Fact]
    public void A_heat_map_of_many_columns_has_a_colour_bar_in_place_of_written_values()
    {
        double[] row = [.. Enumerable.Range(0, 17).Select(i => (double)i)];
        var data = Parse(Figures.HeatMap([row], ["r"], [.. row.Select(v => $"c{v}")], [], "", Colors, [[.. row.Select(_ => "#111")]], 0, 16,
            false)).GetProperty("data");
        Assert.Equal(1, data.GetArrayLength());
        Assert.True(data[0].GetProperty("showscale").GetBoolean());
    }

    [Fact]
    public void A_heat_map_of_few_columns_has_upright_names_and_small_cells_for_a_narrow_page()
    {
        var narrow = Parse(Figures.HeatMap(Values, ["r0", "r1"], ["a cat", "b <i>", "two red circles above a blue square"], [], "", Colors,
            Inks, -2, 5, false)).GetProperty("layout").GetProperty("meta").GetProperty("narrow");
        Assert.Equal(["a cat", "b &lt;i&gt;", "two red circles above a…"],
            narrow.GetProperty("labels").EnumerateArray().Select(label => label.GetString()));
        Assert.Equal((-90, 25), (narrow.GetProperty("angle").GetInt32(), narrow.GetProperty("cell").GetInt32()));
    }

    [Fact]
    public void A_heat_map_has_its_colors_evenly_between_its_ends()
    {
        var trace = Parse(Figures.HeatMap(Values, ["r0", "r1"], ["a", "b", "c"], [], "logit", ["blue", "white", "red"], Inks, -5, 5, false))
            .GetProperty("data")[0];
        Assert.Equal((-5, 5), (trace.GetProperty("zmin").GetDouble(), trace.GetProperty("zmax").GetDouble()));
        Assert.Equal([0, 0.5, 1], trace.GetProperty("colorscale").EnumerateArray().Select(stop => stop[0].GetDouble()));
    }

    [Fact]
    public void A_heat_map_has_its_first_row_on_top_with_a_thumbnail_at_its_side_and_a_frame_round_the_diagonal()
    {
        var layout = Parse(Figures.HeatMap(Values, ["r0", "r1"], ["a", "b", "c"], ["data:,0", "data:,1"], "logit", Colors, Inks, -2, 5,
            true)).GetProperty("layout");

        Assert.Equal([1.5, -0.5], layout.GetProperty("yaxis").GetProperty("range").EnumerateArray().Select(e => e.GetDouble()));
        var images = layout.GetProperty("images").EnumerateArray().ToArray();
        Assert.Equal(["data:,0", "data:,1"], images.Select(image => image.GetProperty("source").GetString()));
        Assert.Equal([0.0, 1.0], images.Select(image => image.GetProperty("y").GetDouble()));
        Assert.Equal(2, layout.GetProperty("shapes").GetArrayLength());
    }

    [Fact]
    public void Markup_in_a_caption_stays_text()
    {
        string json = Figures.HeatMap([[1]], ["<b>row</b>"], ["<img src=x onerror=alert(1)>"], [], "logit", Colors, Inks, -2, 5, false);
        Assert.DoesNotContain("<img", json, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>row", json, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_caption_is_broken_at_spaces_and_ends_in_dots()
    {
        Assert.Equal(["two red", "circles", "above a…"], Figure.Lines("two red circles above a blue square", 8, 3));
        Assert.Equal(["abcdefgh", "ij"], Figure.Lines("abcdefghij", 8, 3));
        Assert.Empty(Figure.Lines("  ", 8, 3));
    }

    [Fact]
    public void Curves_become_a_line_each_over_a_logarithmic_axis_where_asked()
    {
        var figure = Parse(Figures.Curves("step", "loss", ["a", "b"], [[1, 10], [1, 10]], [[3, 2], [2, double.PositiveInfinity]], true,
            [1, 10], ["1", "ten"]));

        Assert.Equal(["a", "b"], figure.GetProperty("data").EnumerateArray().Select(trace => trace.GetProperty("name").GetString()));
        Assert.Equal(JsonValueKind.Null, figure.GetProperty("data")[1].GetProperty("y")[1].ValueKind);
        Assert.Equal("log", figure.GetProperty("layout").GetProperty("xaxis").GetProperty("type").GetString());
        Assert.Equal("ten", figure.GetProperty("layout").GetProperty("xaxis").GetProperty("ticktext")[1].GetString());
    }

    /// <summary>A letter of Korean is as wide as it is high: 12 pixels here.</summary>
    [Fact]
    public void Names_of_bars_have_their_room_in_Korean_too()
    {
        var figure = Parse(Figures.Bars("확률", ["이미지 어텐션", "토큰 임베딩"], [0.6, 0.4], true));
        Assert.True(figure.GetProperty("layout").GetProperty("margin").GetProperty("l").GetInt32() >= 16 + (6 * 12) + 6);
    }

    [Fact]
    public void Bars_run_from_the_top_and_are_written_as_per_cent_where_asked()
    {
        var figure = Parse(Figures.Bars("probability", ["cat", "dog"], [0.925, 0.075], true));

        Assert.Equal("h", figure.GetProperty("data")[0].GetProperty("orientation").GetString());
        Assert.Equal("%{x:.1%}", figure.GetProperty("data")[0].GetProperty("texttemplate").GetString());
        Assert.Equal([1.5, -0.5], figure.GetProperty("layout").GetProperty("yaxis").GetProperty("range").EnumerateArray()
            .Select(e => e.GetDouble()));
    }
}
