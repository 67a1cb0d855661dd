using System.Text.Json;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>`clipbook train --from`: a model fine-tuned on pairs of one's own.</summary>
public sealed class FineTuningCommandTests : IDisposable
{
    private static readonly string Model = Path.Combine(Lesson.Data, "models", "tiny-clip");

    private readonly TemporaryFolder _folder = new();

    private string Output => Path.Combine(_folder.Path, "tuned");

    public void Dispose() => _folder.Dispose();

    /// <summary>Captions that the model cannot know before: it learns them, and says what it found of those held out.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_learns_new_pairs_says_how_it_did_before_and_after_and_writes_a_model_that_opens(bool lora)
    {
        string[] kind = lora ? ["--lora", "--rank", "4", "--learning-rate", "0.003"] : ["--learning-rate", "0.0005"];
        var (code, said, error) = await RunAsync(Pairs(48), [.. kind, "--steps", "20", "--batch", "24", "--held-out", "0.25"]);
        Assert.True(code == ExitCode.Success, error);
        Assert.Contains("36 images to train on, 12 held out with 12 captions. Before: held-out text to image @1", said,
            StringComparison.Ordinal);
        Assert.Contains("After:  held-out text to image @1", said, StringComparison.Ordinal);
        Assert.True(Loss(said, last: true) < Loss(said, last: false) - 0.2, said);

        using var tuned = ClipEncoder.FromPretrained(Output);
        using var before = ClipEncoder.FromPretrained(Model);
        using var picture = SyntheticScenes.Create(SceneWorld.HeldOut, 1).Draw(64);
        Assert.True(Cosine(tuned, before, picture) < 0.9999);
        Assert.Equal(lora, File.Exists(Path.Combine(Output, "adapter", "adapter_model.safetensors")));
        Assert.Empty(Directory.GetFiles(Output, "*.checkpoint"));
    }

    [Fact]
    public async Task An_image_that_cannot_be_read_is_named_and_left_out()
    {
        string captions = Pairs(24);
        for (int i = 0; i < 24; i += 6) await File.WriteAllTextAsync(Path.Combine(_folder.Path, $"{i}.png"), "no picture");
        var (code, said, error) = await RunAsync(captions, ["--steps", "4", "--batch", "12", "--held-out", "0.25"]);
        Assert.True(code == ExitCode.Failed, said + error);
        Assert.Contains("0.png", error, StringComparison.Ordinal);
        Assert.Contains("left out", error, StringComparison.Ordinal);
        Assert.Contains("After:", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--from", "needs --from, a model, and --captions")]
    [InlineData("--lora", "needs --from, a model, and --captions")]
    [InlineData("--held-out 2", "--held-out 2")]
    [InlineData("--learning-rate -1", "--learning-rate must be above 0")]
    [InlineData("--rank 0 --lora", "--rank must be at least 1")]
    [InlineData("--world emoji", "leave out --world and --data")]
    public async Task What_does_not_go_together_is_said(string arguments, string expected)
    {
        string[] given = arguments == "--from" ? ["--from", Model] : arguments == "--lora" ? ["--lora"]
            : ["--from", Model, "--captions", Pairs(8), .. arguments.Split(' ')];
        var (code, _, error) = await Clipbook.RunAsync(["train", "--output", Output, .. given]);
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Output));
    }

    [Fact]
    public async Task Captions_that_are_all_alike_cannot_be_learned_from()
    {
        string file = Path.Combine(_folder.Path, "captions.json");
        Pairs(8);
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(Enumerable.Range(0, 8).ToDictionary(i => $"{i}.png", _ => "a thing")));
        var (code, _, error) = await RunAsync(file, ["--steps", "2"]);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("have one caption alone", error, StringComparison.Ordinal);
    }

    private Task<(int Code, string Said, string Error)> RunAsync(string captions, IEnumerable<string> arguments) =>
        Clipbook.RunAsync(["train", "--from", Model, "--captions", captions, "--output", Output, .. arguments]);

    /// <summary>Drawn scenes, each called by a number and its concept spelled backwards.</summary>
    private string Pairs(int count)
    {
        var captions = new Dictionary<string, string>();
        for (int i = 0; i < count; i++)
        {
            var scene = SyntheticScenes.Create(SceneWorld.Train, i);
            using var picture = scene.Draw(64);
            picture.SavePng(Path.Combine(_folder.Path, $"{i}.png"));
            captions[$"{i}.png"] = $"{i} {string.Concat(scene.Concept.Reverse())}";
        }
        string file = Path.Combine(_folder.Path, "captions.json");
        File.WriteAllText(file, JsonSerializer.Serialize(captions));
        return file;
    }

    private static double Loss(string said, bool last)
    {
        string[] lines = [.. said.Split('\n').Where(line => line.StartsWith("step ", StringComparison.Ordinal))];
        string line = last ? lines[^1] : lines[0];
        return double.Parse(line.Split("loss ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static double Cosine(ClipEncoder one, ClipEncoder other, RasterImage picture)
    {
        using var a = one.EncodeImages([picture]);
        using var b = other.EncodeImages([picture]);
        using var product = a.mul(b);
        using var sum = product.sum();
        return sum.item<float>();
    }
}
