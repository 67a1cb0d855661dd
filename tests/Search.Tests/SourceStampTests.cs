using ClipNotebooks.Clip.Export;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Onnx;

namespace ClipNotebooks.Search.Tests;

/// <summary>An index and a classifier know the model that made them by its files; where these changed, by its weights.</summary>
public sealed class SourceStampTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public SourceStampTests()
    {
        Directory.CreateDirectory(Model);
        foreach (string file in Directory.GetFiles(Sandbox.TinyClip)) File.Copy(file, Path.Combine(Model, Path.GetFileName(file)));
    }

    private string Model => Path.Combine(_sandbox.Folder, "model");

    private string Weights => Path.Combine(Model, "model.safetensors");

    private string Classifier => Path.Combine(_sandbox.Folder, "classes.safetensors");

    public void Dispose() => _sandbox.Dispose();

    /// <summary>That nothing was read whole shows in weights which changed, and whose file does not say so.</summary>
    [Fact]
    public void Files_of_the_same_names_lengths_times_and_beginnings_are_not_read_whole()
    {
        Make();
        var written = File.GetLastWriteTimeUtc(Weights);
        ChangeLastWeight();
        File.SetLastWriteTimeUtc(Weights, written);
        using var clip = ClipEncoder.FromPretrained(Model);
        ImageSearchIndex.Open(_sandbox.Index, clip).Dispose();
        ZeroShotClassifier.Load(Classifier, clip).Dispose();
    }

    [Fact]
    public void Weights_that_were_written_again_are_compared_by_what_they_are()
    {
        Make();
        File.SetLastWriteTimeUtc(Weights, DateTime.UtcNow.AddHours(1));
        using (var same = ClipEncoder.FromPretrained(Model))
        {
            ImageSearchIndex.Open(_sandbox.Index, same).Dispose();
            ZeroShotClassifier.Load(Classifier, same).Dispose();
        }
        ChangeLastWeight();
        using var other = ClipEncoder.FromPretrained(Model);
        Refused(other);
    }

    [Fact]
    public void Another_recipe_is_another_model_whatever_its_file_s_time_says()
    {
        Make();
        string path = Path.Combine(Model, "preprocessor_config.json"), text = File.ReadAllText(path);
        Assert.Contains("0.4814547", text, StringComparison.Ordinal);
        var written = File.GetLastWriteTimeUtc(path);
        File.WriteAllText(path, text.Replace("0.4814547", "0.5814547", StringComparison.Ordinal));
        File.SetLastWriteTimeUtc(path, written);
        using var other = ClipEncoder.FromPretrained(Model);
        Refused(other);
    }

    [Fact]
    public void A_model_that_was_handed_out_has_none_for_it_may_be_trained()
    {
        Make();
        using var clip = ClipEncoder.FromPretrained(Model);
        Assert.Matches("^[0-9a-f]{64}$", clip.SourceStamp);
        using (TorchSharp.torch.no_grad()) clip.Model.LogitScale.add_(0.5);
        Assert.Null(clip.SourceStamp);
        Refused(clip);
    }

    [Fact]
    public void A_size_of_its_own_another_folder_and_a_link_are_told_apart_or_seen_through()
    {
        string? stamp = Stamp(Model);
        Assert.Equal(stamp, Stamp(Model));
        Assert.NotEqual(stamp, Stamp(Model, 64));
        Assert.NotEqual(stamp, Stamp(Sandbox.TinyClip));
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A link needs a right of its own there.");
        string aside = Path.Combine(_sandbox.Folder, "blob");
        File.Move(Weights, aside);
        File.CreateSymbolicLink(Weights, aside);
        Assert.Equal(stamp, Stamp(Model));
        File.SetLastWriteTimeUtc(aside, DateTime.UtcNow.AddHours(1));
        Assert.NotEqual(stamp, Stamp(Model));
    }

    [Fact]
    public async Task A_pipe_or_a_thousand_pictures_beside_the_model_are_not_read()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no named pipes in folders there.");
        await TestProcess.RunAsync("mkfifo", [Path.Combine(Model, "a pipe")]);
        string? withPipe = await Task.Run(() => Stamp(Model)).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.NotNull(withPipe);
        for (int i = 0; i < 1000; i++) await File.WriteAllTextAsync(Path.Combine(Model, $"{i}.png"), "a picture", CancellationToken.None);
        Assert.Null(Stamp(Model));
    }

    [Fact]
    public void Graphs_in_their_own_folder_count_too()
    {
        string model = Path.Combine(_sandbox.Folder, "graphs");
        OnnxExport.Write(Sandbox.TinyClip, model);
        string? Stamped()
        {
            using var clip = OnnxClipEncoder.FromPretrained(model);
            return clip.SourceStamp;
        }
        string? stamp = Stamped();
        Assert.NotNull(stamp);
        Assert.Equal(stamp, Stamped());
        File.SetLastWriteTimeUtc(Directory.GetFiles(Path.Combine(model, "onnx"), "text_model*").First(), DateTime.UtcNow.AddHours(1));
        Assert.NotEqual(stamp, Stamped());
    }

    [Fact]
    public void Another_interpolation_is_another_model()
    {
        Make();
        string path = Path.Combine(Model, "preprocessor_config.json"), text = File.ReadAllText(path);
        Assert.Contains("\"resample\": 3", text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace("\"resample\": 3", "\"resample\": 2", StringComparison.Ordinal));
        using var other = ClipEncoder.FromPretrained(Model);
        Refused(other);
    }

    private static string? Stamp(string folder, int? size = null)
    {
        using var clip = ClipEncoder.FromPretrained(folder, imageSize: size);
        return clip.SourceStamp;
    }

    private void Make()
    {
        using var clip = ClipEncoder.FromPretrained(Model);
        ImageSearchIndex.Create(_sandbox.Index, clip).Dispose();
        using ZeroShotClassifier classes = new(clip, ["cat", "dog"]);
        classes.Save(Classifier);
    }

    private void Refused(IClipEncoder clip)
    {
        Assert.Contains("was built by another model", Assert.Throws<InvalidDataException>(
            () => ImageSearchIndex.Open(_sandbox.Index, clip)).Message, StringComparison.Ordinal);
        Assert.Contains("was made by another model", Assert.Throws<InvalidDataException>(
            () => ZeroShotClassifier.Load(Classifier, clip)).Message, StringComparison.Ordinal);
    }

    private void ChangeLastWeight()
    {
        byte[] bytes = File.ReadAllBytes(Weights);
        bytes[^1] ^= 0x40; // the exponent of the last float32
        File.WriteAllBytes(Weights, bytes);
    }
}
