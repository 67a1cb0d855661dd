using System.Text.Json;
using System.Text.RegularExpressions;
using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Exercises;
using ClipNotebooks.Workbook.Plotting;
using ClipNotebooks.Workbook.Views;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Tests.Views;

public sealed class ViewTests
{
    private const string Foreign = "<script>alert('&')</script>";
    private static readonly RasterImage Red = RasterImage.FromRgb(2, 2, [255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0]);

    public static TheoryData<string, IView> Views => new()
    {
        { "matrix", new MatrixView(arange(4, float32).reshape(2, 2), [Foreign, "b"], [Foreign, "d"], Foreign) },
        { "similarity matrix", new SimilarityMatrix(arange(2, float32).reshape(1, 2), [Red], [Foreign, "a cat"], Foreign) },
        { "image strip", new ImageStrip([Red], [Foreign]) },
        { "probability bars", new ProbabilityBars([(Foreign, 0.25), ("b", 0.75)], Foreign) },
        { "confusion matrix", new ConfusionMatrix([[1, 2], [3, 4]], [Foreign, "b"], Foreign, [Red, Red]) },
        { "prediction cards", new PredictionCards([Red], [Foreign], ["b"], [[(Foreign, 0.25), ("b", 0.75)]]) },
        { "tensor", new TensorView(zeros(2, 3), Foreign) },
        { "shape table", new ShapeTable([(Foreign, Foreign, zeros(2, 3))]) },
        { "curve", new CurveView(Foreign, Foreign, Foreign, [(Foreign, [1, 2], [3, 4]), ("b", [1, 2], [4, 3])]) },
        { "picture grid", new PictureGrid([Red, Red], [Foreign, "b"], 2, Foreign) },
        { "token strip", new TokenStrip([new(Foreign, [new([Foreign, "b</w>"], null), new([Foreign + "b</w>"], 7)], [12])]) },
        { "checkpoint table", new CheckpointTable([new(Foreign, ScalarType.Float32, [2, 3], 8, 24)], Foreign) },
        { "parity table", new ParityTable([(Foreign, new ParityReport([new(Foreign, [1], 1, 0.5, 1e-5, "")]))], Foreign) },
        { "search gallery", new SearchGallery(Foreign, [(Red, Foreign, 0.5)]) },
        { "panels", new Panels(new TensorView(zeros(1), Foreign), new ImageStrip([Red], [Foreign])) },
        { "embedding map", new EmbeddingMap(eye(2), ones(1, 2), [Red, Red], [Foreign], Foreign, [Foreign, "b"]) },
        { "component table", new ComponentTable(Foreign, [(Foreign, Foreign, [zeros(2, 3)], zeros(2), 3)]) },
        { "exercise", new ExerciseResult(Foreign, ExerciseStatus.Wrong, Foreign, Foreign) },
        { "progress", new ExerciseProgress(Foreign, [new Exercise<Action> { Title = Foreign, Reference = () => { }, Cases = [],
            Mistakes = [] }]) },
    };

    [Theory, MemberData(nameof(Views))]
    public void Foreign_strings_are_escaped(string name, IView view)
    {
        Assert.DoesNotContain("<script>alert", view.ToHtml(), StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;", view.ToHtml(), StringComparison.Ordinal);
        Assert.True(view.ToText().Length > 0, name);
    }

    [Theory, MemberData(nameof(Views))]
    public void Engines_find_both_forms_by_the_attribute_of_the_type(string name, IView view)
    {
        var attribute = view.GetType().GetCustomAttributes(true).Single(a => a.GetType().Name == "TypeFormatterSourceAttribute");
        var source = (ViewFormatterSource)Activator.CreateInstance(((TypeFormatterSourceAttribute)attribute).FormatterSourceType)!;
        var forms = source.CreateTypeFormatters().Cast<ViewFormatter>().ToDictionary(f => f.MimeType, f =>
        {
            using var writer = new StringWriter();
            Assert.True(f.Format(view, writer), name);
            return writer.ToString();
        });
        Assert.EndsWith(Drawings.AsImages(view.ToHtml()), forms["text/html"], StringComparison.Ordinal);
        Assert.Equal(view.ToText(), forms["text/plain"]);
    }

    [Fact]
    public void A_matrix_reads_as_rows_and_columns_in_text() => Assert.Equal(
        ["Title", "        T1       T2", "a     0.00     1.00", "b     2.00     3.00"],
        new MatrixView(arange(4, float32).reshape(2, 2), ["a", "b"], ["T1", "T2"], "Title").ToText().Split(Environment.NewLine));

    [Fact]
    public void A_token_strip_shows_every_merge_and_the_ids_last() => Assert.Equal(
        ["at             start        a | t</w>", "               rank 3       at</w> = 41"],
        new TokenStrip([new("at", [new(["a", "t</w>"], null), new(["at</w>"], 3)], [41])]).ToText().Split(Environment.NewLine));

    [Fact]
    public void Names_that_do_not_fit_the_matrix_are_refused_with_both_counts()
    {
        var thrown = Assert.Throws<ArgumentException>(() => new MatrixView(zeros(2, 3), ["a"], ["b"], "Title"));
        Assert.Contains("1 row names and 1 column names, but the tensor's shape is (2, 3)", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_similarity_matrix_shows_each_image_with_alt_text() =>
        Assert.Contains("alt=\"image 1\"", new SimilarityMatrix(zeros(1, 1), [Red], ["a cat"], "Title").ToHtml(), StringComparison.Ordinal);

    [Fact]
    public void A_curve_needs_as_many_x_as_y() =>
        Assert.Throws<ArgumentException>(() => new CurveView("t", "x", "y", [("c", [1, 2, 3], [1, 2])]));

    [Fact]
    public void A_logarithmic_axis_refuses_zero() =>
        Assert.Throws<ArgumentException>(() => new CurveView("t", "x", "y", [("c", [0, 1], [1, 2])], logarithmic: true));

    [Theory]
    [InlineData(0.01, 1, "0.01 0.02 0.05 0.1 0.2 0.5 1")]
    [InlineData(1e-6, 1e6, "10⁻⁶ 0.0001 0.01 1 100 10000 10⁶")]
    public void A_logarithmic_axis_is_marked_with_numbers_in_full(double low, double high, string marks)
    {
        string html = new CurveView("t", "x", "y", [("c", [low, high], [1, 2])], logarithmic: true).ToHtml();
        Assert.Contains($"\"ticktext\":[\"{marks.Replace(" ", "\",\"", StringComparison.Ordinal)}\"]",
            System.Net.WebUtility.HtmlDecode(html), StringComparison.Ordinal);
        Assert.All(marks.Split(' '), mark => Assert.Contains($">{mark}</text>", html, StringComparison.Ordinal));
    }

    [Fact]
    public void The_first_plot_that_an_editor_shows_brings_plotly_and_the_next_do_not()
    {
        MatrixView plot = new(zeros(1, 1), ["a"], ["b"], "Title");
        TensorView other = new(zeros(1), "x");
        int brought = 0;
        Assert.Equal(other.ToHtml(), ViewFormatterSource.Html(other, ref brought));
        string first = ViewFormatterSource.Html(plot, ref brought);
        Assert.Contains("plotly.js v2.28", first, StringComparison.Ordinal);
        Assert.Equal($"<script>\n{Plotly.JavaScript}</script>\n{plot.ToHtml()}", first);
        Assert.Equal(plot.ToHtml(), ViewFormatterSource.Html(plot, ref brought));
    }

    [Fact]
    public void The_plot_of_a_matrix_has_its_title_its_names_at_the_axes_and_its_values()
    {
        string html = new MatrixView(arange(4, float32).reshape(2, 2), ["a", "b"], ["c", "d"], "Title").ToHtml();
        Assert.Matches("<figcaption[^>]*>Title</figcaption>", html);
        JsonElement figure = Figure(html), map = figure.GetProperty("data")[0], layout = figure.GetProperty("layout");
        Assert.Equal(["0 1", "2 3"], map.GetProperty("z").EnumerateArray().Select(Numbers));
        Assert.Equal("""[[["a","c"],["a","d"]],[["b","c"],["b","d"]]]""", map.GetProperty("customdata").GetRawText());
        Assert.Equal("""["a","b"]""", layout.GetProperty("yaxis").GetProperty("ticktext").GetRawText());
        Assert.Equal("""["c","d"]""", layout.GetProperty("xaxis").GetProperty("ticktext").GetRawText());
        // The still form, which is shown until the plot is drawn.
        Assert.Equal(["c", "d", "a", "0.00", "1.00", "b", "2.00", "3.00"],
            Regex.Matches(html, "<t[hd]\\b[^>]*>([^<]+)</t").Select(cell => cell.Groups[1].Value));
    }

    [Fact]
    public void The_plot_of_curves_has_its_title_its_axes_titles_and_each_curve_s_points()
    {
        string html = new CurveView("Loss", "step", "nats", [("ours", [1, 2, 3], [4, 2, 1]), ("theirs", [1, 3], [3, 0])]).ToHtml();
        Assert.Matches("<figcaption[^>]*>Loss</figcaption>", html);
        JsonElement figure = Figure(html), layout = figure.GetProperty("layout");
        Assert.Equal(("step", "nats"), (Title("xaxis"), Title("yaxis")));
        Assert.Equal([("ours", "1 2 3", "4 2 1"), ("theirs", "1 3", "3 0")], figure.GetProperty("data").EnumerateArray().Select(
            curve => (curve.GetProperty("name").GetString(), Numbers(curve.GetProperty("x")), Numbers(curve.GetProperty("y")))));

        string? Title(string axis) => layout.GetProperty(axis).GetProperty("title").GetProperty("text").GetString();
    }

    private static string Numbers(JsonElement values) => string.Join(' ', values.EnumerateArray().Select(value => value.GetDouble()));

    /// <summary>What plotly.js is given to draw.</summary>
    private static JsonElement Figure(string html)
    {
        string json = System.Net.WebUtility.HtmlDecode(Regex.Match(html, "data-plot=\"([^\"]*)\"").Groups[1].Value);
        using var figure = JsonDocument.Parse(json);
        return figure.RootElement.Clone();
    }

    [Fact]
    public void A_matrix_says_in_words_where_its_largest_value_is() => Assert.Equal(
        "Title: 2 rows and 2 columns, from 0.00 to 3.00; the largest is b, d.",
        new MatrixView(arange(4, float32).reshape(2, 2), ["a", "b"], ["c", "d"], "Title").Description);

    [Fact]
    public void Bars_stand_in_the_order_of_their_probabilities() => Assert.Equal(
        ["Title", "dog  75.0 % " + new string('█', 30), "cat  25.0 % " + new string('█', 10)],
        new ProbabilityBars([("cat", 0.25), ("dog", 0.75)], "Title").ToText().Split(Environment.NewLine));

    [Theory, InlineData(1.5), InlineData(-0.1), InlineData(double.NaN)]
    public void What_is_not_a_probability_is_refused_with_its_name(double value) =>
        Assert.Contains("\"cat\"", Assert.Throws<ArgumentException>(() => new ProbabilityBars([("cat", value)], "Title")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_tensor_says_its_shape_dtype_device_range_and_values() => Assert.Equal(
        ["tensor x · shape (2, 2) · dtype float32 · device cpu · range -1 to 2.5 · mean 0.625", "   -1    1", "    0  2.5"],
        new TensorView(tensor(new[,] { { -1f, 1f }, { 0f, 2.5f } }), "x").ToText().Split(Environment.NewLine));

    [Fact]
    public void A_large_tensor_shows_the_first_values_of_its_first_matrix()
    {
        string[] lines = new TensorView(arange(24_000, int64).reshape(2, 100, 120)).ToText().Split(Environment.NewLine);
        Assert.Equal("shape (2, 100, 120) · dtype int64 · device cpu · range 0 to 23999 · mean 12000", lines[0]);
        Assert.Equal(8, lines.Length);
        Assert.Equal("the first 48 of 24,000 values", lines[^1]);
    }

    [Fact]
    public void Tensors_without_values_say_what_they_are_and_no_tensor_is_left()
    {
        using var meta = zeros(3, 4, device: META);
        using var empty = zeros(0, 4);
        using var scalar = tensor(true);
        long before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Assert.Equal("shape (3, 4) · dtype float32 · device meta", new TensorView(meta).ToText());
        Assert.Equal("shape (0, 4) · dtype float32 · device cpu", new TensorView(empty).ToText());
        Assert.StartsWith("shape () · dtype bool · device cpu · range 1 to 1", new TensorView(scalar).ToText(), StringComparison.Ordinal);
        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void A_gallery_reads_as_a_ranked_list_in_text_and_says_when_it_is_empty()
    {
        Assert.Equal(["a cat", "  1  0.500  one.png", "  2  -0.250  two.png"],
            new SearchGallery("a cat", [(Red, "one.png", 0.5), (Red, "two.png", -0.25)]).ToText().Split(Environment.NewLine));
        Assert.Equal(["a cat", "nothing found"], new SearchGallery("a cat", []).ToText().Split(Environment.NewLine));
        Assert.Contains("alt=\"1: one.png\"", new SearchGallery("a cat", [(Red, "one.png", 0.5)]).ToHtml(), StringComparison.Ordinal);
    }

    [Theory, InlineData(1.5), InlineData(double.NaN)]
    public void What_is_not_a_cosine_is_refused_with_its_name(double score) =>
        Assert.Contains("\"one.png\"", Assert.Throws<ArgumentException>(
            () => new SearchGallery("a cat", [(Red, "one.png", score)])).Message, StringComparison.Ordinal);
}
