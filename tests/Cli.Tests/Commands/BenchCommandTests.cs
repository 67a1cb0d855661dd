using System.Text.Json;
using ClipNotebooks.Cli.Measuring;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Tests.Commands;

public sealed class BenchCommandTests
{
    [Fact]
    public async Task Each_figure_comes_with_the_machine_and_its_share_of_what_that_gives()
    {
        var (code, output, error) = await Clipbook.RunAsync("bench", "--only", "text encoder, batch 1", "--seconds", "0.01", "--json");
        Assert.True(code == ExitCode.Success, error);
        var report = JsonDocument.Parse(output).RootElement;
        Assert.Equal(Environment.ProcessorCount, report.GetProperty("machine").GetProperty("cores").GetInt32());
        Assert.Contains("libtorch", report.GetProperty("machine").GetProperty("libraries").GetString());
        Assert.Contains("bfloat16", report.GetProperty("machine").GetProperty("precision").GetString());
        var limits = report.GetProperty("limits").GetProperty("float32OperationsPerSecond").EnumerateObject()
            .Select(way => way.Value.GetDouble()).ToList();
        Assert.All(limits, limit => Assert.InRange(limit, 1e8, 1e15));

        var forms = report.GetProperty("measured").EnumerateArray().ToList();
        bool hasBFloat16 = report.GetProperty("leftOut").ValueKind == JsonValueKind.Null;
        Assert.Equal(hasBFloat16 ? 3 : 2, forms.Count);
        Assert.Equal(JsonValueKind.Null, forms[0].GetProperty("timesPlain").ValueKind);
        foreach (var form in forms)
        {
            Assert.Equal(1, form.GetProperty("perSecond").GetDouble() * form.GetProperty("seconds").GetDouble(), 1e-9);
            // More than the machine gives would be a mistake in the operations that are counted; half as much again is for one run on a
            // busy machine.
            Assert.InRange(form.GetProperty("shareOfLimit").GetDouble(), 1e-4, 1.5);
        }
    }

    /// <summary>
    /// Image towers in docs/model_profile.csv of OpenCLIP, in 1e9 operations; a pool by attention is not counted here, 1.3 %.
    /// </summary>
    [Theory]
    [InlineData("EVA02-B/16", 35.13)]
    [InlineData("SigLIP-B/16", 35.42)]
    [InlineData("ConvNeXt-B", 40.11)]
    public void A_familys_operations_are_those_that_OpenCLIP_counts(string name, double expected)
    {
        var work = FamilyWorkloads.All().First(work => work.Name.StartsWith(name, StringComparison.Ordinal));
        Assert.InRange(work.Amount / work.Items / 1e9, 0.985 * expected, 1.005 * expected);
    }

    [Theory]
    [InlineData("image encoder, batch 1; image encoder, batch 8", "--only", "no such work")]
    [InlineData("--seconds is 0", "--seconds", "0")]
    public async Task What_cannot_be_measured_is_refused(string message, params string[] arguments)
    {
        var (code, _, error) = await Clipbook.RunAsync(["bench", .. arguments]);
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains(message, error);
    }
}
