using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Workbook.Tests.Views;

public sealed class ParityTableTests
{
    private static readonly ParityReport Sound = Report(0, 1e-7, 2e-7), Broken = Report(0, 3e-2, double.NaN);

    [Fact]
    public void The_first_rung_that_diverges_is_marked_apart_from_those_after_it() => Assert.Equal(
        [
            "Rungs", "        sound        broken",
            "pixels  0            0",
            "block   1.0e-7       3.0e-2 ◀",
            "logits  2.0e-7       no number ✗",
            "sound: All 3 rungs agree.",
            "broken: First divergence: block, off by 0.06, 0.03 of the largest magnitude, where 1e-05 is allowed.",
        ],
        new ParityTable([("sound", Sound), ("broken", Broken)], "Rungs").ToText().Split(Environment.NewLine));

    [Fact]
    public void Bars_are_as_long_as_the_logarithm_of_the_error()
    {
        string html = new ParityTable([("m", Report(1e-8, 1e-4, 1))], "Rungs").ToHtml();
        foreach (string width in new[] { "width:2%", "width:50%", "width:100%" }) Assert.Contains(width, html, StringComparison.Ordinal);
    }

    [Fact]
    public void Reports_on_other_rungs_are_refused_by_their_names()
    {
        var other = new ParityReport([.. Sound.Rungs.Skip(1)]);
        Assert.Contains("the report of \"other\" has other rungs than that of \"sound\"",
            Assert.Throws<ArgumentException>(() => new ParityTable([("sound", Sound), ("other", other)], "Rungs")).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new ParityTable([], "Rungs"));
    }

    private static ParityReport Report(params double[] errors) =>
        new([.. errors.Zip(["pixels", "block", "logits"], (error, name) => new ParityRung(name, [1], 2 * error, error, 1e-5, ""))]);
}
