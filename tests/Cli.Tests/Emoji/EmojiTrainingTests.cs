using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook;
using ClipNotebooks.Workbook.Emoji;

namespace ClipNotebooks.Cli.Tests.Emoji;

/// <summary>Training and measuring on emoji, a few steps of a few shapes: that the doors open, not what is learned.</summary>
public sealed class EmojiTrainingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Emoji => Path.Combine(_folder.Path, "emoji");

    private string Model => Path.Combine(_folder.Path, "model");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_batch_is_a_function_of_seed_and_step_and_needs_nothing_that_is_held_out()
    {
        var data = await MakeAsync();
        Directory.Delete(Path.Combine(Emoji, "pictures", data.Manifest.HeldOutStyle), recursive: true);
        var tokenizer = EmojiClip.WriteVocabulary(data, Model);
        EmojiBatches Batches(int seed) => new(data, tokenizer, new ClipImageTransform(EmojiClip.Transform), 4, seed);
        using var batch = Batches(1).Batch(7);
        using var again = Batches(1).Batch(7);
        using var other = Batches(2).Batch(7);
        Assert.Equal([4, 3, EmojiClip.ImageSize, EmojiClip.ImageSize], batch.Pixels.shape);
        Assert.True(batch.Pixels.allclose(again.Pixels, rtol: 0, atol: 0));
        Assert.Equal(batch.TokenIds.data<long>(), again.TokenIds.data<long>());
        Assert.False(batch.Pixels.allclose(other.Pixels));

        var captions = Enumerable.Range(0, 200).SelectMany(step => Batches(1).Look(step, 4)).Select(pair => pair.Caption).ToList();
        foreach (var concept in data.Concepts)
            foreach (var words in new[] { concept.English, concept.Korean })
                Assert.DoesNotContain(captions, caption => caption.Contains(words.Name, StringComparison.Ordinal)
                    && words.HeldOut.Any(word => caption.Split(", ").Contains(word)));
        Assert.Contains(captions, caption => caption.Contains("코끼리", StringComparison.Ordinal));
        Assert.Contains(captions, caption => caption.Contains("on the left and", StringComparison.Ordinal));
        Assert.Contains("needs as many concepts", Assert.Throws<ArgumentException>(() => new EmojiBatches(data, tokenizer,
            new ClipImageTransform(EmojiClip.Transform), 10, 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_is_trained_measured_and_its_mistakes_are_drawn_as_the_README_says()
    {
        string readme = await File.ReadAllTextAsync(Path.Combine(Lesson.Repository, "README.md"));
        foreach (string command in new[] { "data emoji --packages artifacts/packages --output artifacts/emoji\n",
            "train --world emoji --data artifacts/emoji --output artifacts/emoji-clip\n",
            "evaluate --world emoji --data artifacts/emoji --model artifacts/emoji-clip\n" })
            Assert.Contains($"lib/Cli -- {command}", readme.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        await MakeAsync();
        string[] world = ["--world", "emoji", "--data", Emoji];
        var (code, said, error) = await Clipbook.RunAsync(["train", .. world, "--output", Model, "--batch", "10"]);
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains("--batch is 10; a batch has nothing twice, and there are 9 to train on.", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Model));
        (code, said, error) = await Clipbook.RunAsync(["train", .. world, "--output", Model, "--steps", "2", "--batch", "4"]);
        Assert.True(code == ExitCode.Success, error);
        Assert.Contains($"Measure it: clipbook evaluate --world emoji --data {Emoji} --model {Model}", said, StringComparison.Ordinal);

        string sheet = Path.Combine(_folder.Path, "sheet.png");
        (code, said, error) = await Clipbook.RunAsync(["evaluate", .. world, "--model", Model, "--sheet", sheet]);
        Assert.True(code == ExitCode.Success, error);
        Assert.Contains("9 emoji by openmoji (never trained on)", said, StringComparison.Ordinal);
        Assert.Contains("zero-shot top-5", said, StringComparison.Ordinal);
        using (var drawn = RasterImage.Load(sheet)) Assert.True(drawn.Width > 200);

        (code, said, error) = await Clipbook.RunAsync(["evaluate", .. world, "--model", Model, "--json", "--style", "noto"]);
        Assert.True(code == ExitCode.Success, error);
        Assert.Contains("\"style\": \"noto\"", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--world emoji needs --data", "train", "--world", "emoji")]
    [InlineData("--data goes with --world emoji", "train", "--data", "x")]
    [InlineData("--world emoji needs --data", "evaluate", "--world", "emoji")]
    [InlineData("go with --world emoji", "evaluate", "--sheet", "x.png")]
    [InlineData("give one of them", "evaluate", "--world", "emoji", "--data", "x", "--images", "y")]
    public async Task What_does_not_go_together_is_said(string says, params string[] arguments)
    {
        var (code, _, error) = await Clipbook.RunAsync(arguments);
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains(says, error, StringComparison.Ordinal);
    }

    private async Task<EmojiData> MakeAsync()
    {
        string packages = Path.Combine(_folder.Path, "packages");
        EmojiPackageFixture.Write(packages, archives: true);
        var (code, _, error) = await Clipbook.RunAsync("data", "emoji", "--packages", packages, "--output", Emoji);
        Assert.True(code == ExitCode.Success, error);
        return EmojiData.Open(Emoji);
    }
}
