using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>Reference: a tiny model of openai/CLIP's class with its recorded hidden states, among the data of Clip.Tests.</summary>
public sealed class ParityCommandTests
{
    private static readonly string Reference = Path.Combine(Lesson.Repository, "tests", "Clip.Tests", "Reference", "models", "vit_p14_i28");

    [Fact]
    public async Task A_model_that_agrees_is_0_and_one_that_does_not_1()
    {
        using TemporaryFolder folder = new();
        string outputs = Path.Combine(Reference, "outputs.safetensors");
        File.Copy(Path.Combine(Reference, "hf.safetensors"), Path.Combine(folder.Path, "model.safetensors"));
        string config = File.ReadAllText(Path.Combine(Reference, "config.json"));
        folder.Write("config.json", config);
        Assert.Equal((ExitCode.Success, ""), await RunAsync("parity", folder.Path, "--reference", outputs));

        folder.Write("config.json", config.Replace("\"quick_gelu\"", "\"gelu\"", StringComparison.Ordinal));
        Assert.Equal((ExitCode.Failed, ""), await RunAsync("parity", folder.Path, "--reference", outputs));
        Assert.Equal((ExitCode.Success, ""), await RunAsync("parity", folder.Path, "--reference", outputs, "--tolerance", "0.1"));
    }

    [Fact]
    public async Task A_recording_that_a_model_wrote_agrees_with_it()
    {
        using TemporaryFolder folder = new();
        string model = Path.Combine(Lesson.Data, "models", "tiny-clip"), recording = Path.Combine(folder.Path, "new", "parity.safetensors");
        Assert.Equal((ExitCode.Success, ""), await RunAsync("parity", model, "--record", recording));
        Assert.Equal((ExitCode.Success, ""), await RunAsync("parity", model, "--reference", recording));
    }

    [Fact]
    public async Task Without_a_recording_the_message_says_how_to_come_by_one()
    {
        var (code, error) = await RunAsync("parity", Reference);
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains("--record", error);
        Assert.Equal(ExitCode.Usage, (await RunAsync(
            "parity", Reference, "--reference", Path.Combine(Reference, "outputs.safetensors"), "--tolerance", "-1")).Code);
    }

    private static async Task<(int Code, string Error)> RunAsync(params string[] arguments)
    {
        StringWriter error = new();
        return (await Program.RunAsync(arguments, error), error.ToString());
    }
}
