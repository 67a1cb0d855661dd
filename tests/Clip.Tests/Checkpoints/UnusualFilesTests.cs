using System.Diagnostics;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
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

    [Fact]
    public async Task A_model_is_saved_over_a_pipe_which_is_not_read()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no pipes in folders on Windows.");
        string path = At("open_clip_config.json");
        using (var make = Process.Start("mkfifo", [path])) Assert.True(make.WaitForExit(10_000));
        using var model = ClipCheckpoint.FromPretrained(TinyClip);
        var save = Task.Run(() => ClipCheckpoint.SavePretrained(model, _folder, CheckpointLayout.OpenClip));
        await Task.WhenAny(save, Task.Delay(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        Assert.True(save.IsCompleted, "It waits.");
        await save;
        string saved = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        Assert.Contains("preprocess_cfg", saved, StringComparison.Ordinal);
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

    [Theory]
    [InlineData("clipseg")]
    [InlineData("blip_vision_model")]
    public void A_model_of_another_kind_is_called_by_its_model_type(string type)
    {
        Edit("config.json", json => json["model_type"] = type);
        Rewrite((name, tensor) => ("clip." + name, tensor), pickled: false);
        foreach (Action load in new Action[] { () => ClipCheckpoint.VisionFromPretrained(_folder), () =>
            ClipCheckpoint.TextFromPretrained(_folder) })
            Assert.Contains($"\"model_type\" is \"{type}\"", Assert.Throws<CheckpointException>(load).Message, StringComparison.Ordinal);
        if (type == "clipseg")
            Assert.Contains("\"clipseg\"", Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message,
                StringComparison.Ordinal);
    }

    /// <summary>OpenCLIP's quick_gelu: false alone means the exact GELU.</summary>
    [Fact]
    public void A_model_with_GELUs_approximation_keeps_it_in_OpenCLIPs_layout()
    {
        foreach (string tower in new[] { "vision_config", "text_config" })
            Edit("config.json", json => json[tower]!["hidden_act"] = "gelu_pytorch_tanh");
        using var model = ClipCheckpoint.FromPretrained(_folder);
        ClipCheckpoint.SavePretrained(model, At("open"), CheckpointLayout.OpenClip);
        var saved = JsonNode.Parse(File.ReadAllText(Path.Combine(At("open"), "open_clip_config.json")))!["model_cfg"]!;
        foreach (string section in new[] { "vision_cfg", "text_cfg" }) Assert.Equal("tanh",
            (string?)saved[section]!["act_kwargs"]!["approximate"]);
        using var again = ClipCheckpoint.FromPretrained(At("open"));
        Assert.Equal((Activation.GeluTanh, Activation.GeluTanh), (again.Config.VisionBlock.Activation, again.Config.TextBlock.Activation));
    }

    [Fact]
    public void Numbers_that_are_floats_in_Python_are_written_with_a_point()
    {
        string clip = HuggingFaceConfig.Text(ClipConfig.ViTB32 with { InitialTemperature = Math.Exp(-3) }, float32);
        Assert.Contains("\"logit_scale_init_value\": 3.0,", clip, StringComparison.Ordinal);
        Assert.Contains("\"layer_norm_eps\": 1E-05,", clip, StringComparison.Ordinal);
        Assert.Contains("\"initializer_factor\": 1.0,", HuggingFaceConfig.Text(ClipConfig.SiglipBasePatch16, float32),
            StringComparison.Ordinal);
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

    [Fact]
    public void What_stands_before_one_name_alone_is_not_taken_off()
    {
        Rewrite((name, tensor) => (name == "logit_scale" ? "module.logit_scale" : name, tensor), pickled: false);
        Assert.Contains("module.logit_scale is left over",
            Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message, StringComparison.Ordinal);
    }
}
