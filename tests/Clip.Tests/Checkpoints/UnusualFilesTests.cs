using System.Diagnostics;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>Folders that hold something else than was saved there, and weights as other programs leave them.</summary>
public sealed class UnusualFilesTests : IDisposable
{
    private static readonly string TinyClip = Path.Combine(Repository.Root, "data", "models", "tiny-clip");

    private readonly string _folder = Directory.CreateTempSubdirectory("unusual").FullName;

    public UnusualFilesTests()
    {
        foreach (string path in Directory.GetFiles(TinyClip)) File.Copy(path, At(Path.GetFileName(path)));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string> Files => ["config.json", "model.safetensors", "vocab.json", "merges.txt", "preprocessor_config.json"];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_pipe_in_a_models_folder_is_refused_and_not_waited_for(string name)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no pipes in folders on Windows.");
        File.Delete(At(name));
        using (var make = Process.Start("mkfifo", [At(name)])) Assert.True(make.WaitForExit(10_000));
        var load = Task.Run(() => ClipEncoder.FromPretrained(_folder, CPU).Dispose());
        await Task.WhenAny(load, Task.Delay(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        Assert.True(load.IsCompleted, "It waits.");
        Named(load.Exception!.InnerException!, name, "a pipe or a device");
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Links_that_lead_to_each_other_are_named(string name)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege on Windows.");
        File.Delete(At(name));
        File.CreateSymbolicLink(At(name), At("other"));
        File.CreateSymbolicLink(At("other"), At(name));
        Named(Assert.ThrowsAny<Exception>(() => ClipEncoder.FromPretrained(_folder, CPU)), name, "a link that leads back to itself");
        File.Delete(At("other"));
        Named(Assert.ThrowsAny<Exception>(() => ClipEncoder.FromPretrained(_folder, CPU)), name, "which is not there");
    }

    [Theory]
    [InlineData("module.", false)]
    [InlineData("_orig_mod.", false)]
    [InlineData("module._orig_mod.", false)]
    [InlineData("module.", true)]
    [InlineData("_orig_mod.", true)]
    public void What_a_training_put_before_every_name_is_taken_off(string prefix, bool pickled)
    {
        Rewrite((name, tensor) => (prefix + name, tensor), pickled);
        Same();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_logit_scale_may_be_a_list_of_one(bool pickled)
    {
        Rewrite((name, tensor) => (name, name == "logit_scale" ? tensor.reshape(1) : tensor), pickled);
        Same();
    }

    [Fact]
    public void A_shape_that_no_value_decides_is_not_blamed_on_one()
    {
        Rewrite((name, tensor) => (name, name == "logit_scale" ? zeros(3) : tensor), pickled: false);
        string message = Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message;
        Assert.Contains("logit_scale is (3), the configuration asks for (): see the file that the weights came in", message,
            StringComparison.Ordinal);
        Assert.DoesNotContain("hidden_size", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("weights")]
    [InlineData("pickle")]
    [InlineData("config")]
    [InlineData("vocabulary")]
    [InlineData("transform")]
    public void A_message_quotes_no_more_of_a_file_than_a_person_reads(string file)
    {
        string million = new('x', 1_000_000);
        switch (file)
        {
            case "weights":
            case "pickle": Rewrite((name, tensor) => (name == "logit_scale" ? million : name, tensor), file == "pickle"); break;
            case "config": Edit("config.json", json => json["model_type"] = million); break;
            case "vocabulary": Edit("vocab.json", json => json[million] = 0); break;
            default: Edit("preprocessor_config.json", json => json["image_processor_type"] = million); break;
        }
        Assert.InRange(Assert.ThrowsAny<Exception>(() => ClipEncoder.FromPretrained(_folder, CPU)).Message.Length, 50, 1000);
    }

    private string At(string name) => Path.Combine(_folder, name);

    private static void Named(Exception exception, string name, string why)
    {
        Assert.True(exception is CheckpointException or InvalidDataException, exception.ToString());
        Assert.Contains(name, exception.Message, StringComparison.Ordinal);
        Assert.Contains(why, exception.Message, StringComparison.Ordinal);
    }

    private void Edit(string name, Action<JsonNode> change)
    {
        var json = JsonNode.Parse(File.ReadAllText(At(name)))!;
        change(json);
        File.WriteAllText(At(name), json.ToJsonString());
    }

    private void Rewrite(Func<string, Tensor, (string, Tensor)> change, bool pickled)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>();
        using (var file = SafetensorsFile.Open(At("model.safetensors")))
        {
            foreach (string name in file.Names)
            {
                var (other, tensor) = change(name, file.Read(name));
                tensors[other] = tensor;
            }
        }
        File.Delete(At("model.safetensors"));
        if (pickled) PyTorchFile.Save(At("pytorch_model.bin"), tensors);
        else SafetensorsFile.Write(At("model.safetensors"), tensors);
    }

    private void Same()
    {
        using var scope = NewDisposeScope();
        using var expected = ClipCheckpoint.FromPretrained(TinyClip);
        using var actual = ClipCheckpoint.FromPretrained(_folder);
        foreach (var (name,
            parameter) in expected.state_dict()) Assert.True(parameter.equal(actual.state_dict()[name]).all().item<bool>(), name);
    }
}
