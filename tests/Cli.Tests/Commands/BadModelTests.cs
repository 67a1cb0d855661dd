using System.Text;
using System.Text.Json.Nodes;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Search;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>What a user reads who names a model that cannot be used: which file, why, and what to do; never a stack trace.</summary>
public sealed class BadModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public BadModelTests()
    {
        foreach (string file in Directory.GetFiles(Path.Combine(Lesson.Data, "models", "tiny-clip"))) File.Copy(
            file, Path.Combine(_folder.Path, Path.GetFileName(file)));
    }

    public void Dispose() => _folder.Dispose();

    private string Weights => Path.Combine(_folder.Path, "model.safetensors");

    private static async Task RefusedAsync(string model, params string[] said)
    {
        StringWriter error = new();
        Assert.Equal(ExitCode.Failed, await Program.RunAsync(
            ["classify", Path.Combine(Lesson.Data, "images", "cat.png"), "--labels", "cat,dog", "--model", model], error));
        string message = error.ToString();
        Assert.StartsWith("clipbook: ", message);
        Assert.Contains(model, message, StringComparison.Ordinal);
        Assert.All(said, text => Assert.Contains(text, message, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", message, StringComparison.Ordinal);
        Assert.DoesNotContain("--verbose", message, StringComparison.Ordinal);
    }

    private void Configure(string file, Action<JsonNode> change)
    {
        string path = Path.Combine(_folder.Path, file);
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }

    /// <summary>Changes the header of the weights, whose length may change with it.</summary>
    private void Header(Action<JsonObject> change)
    {
        byte[] whole = File.ReadAllBytes(Weights);
        int length = (int)BitConverter.ToUInt64(whole);
        var header = JsonNode.Parse(whole.AsSpan(8, length))!.AsObject();
        change(header);
        byte[] text = Encoding.UTF8.GetBytes(header.ToJsonString());
        File.WriteAllBytes(Weights, [.. BitConverter.GetBytes((ulong)text.Length), .. text, .. whole.AsSpan(8 + length)]);
    }

    [Fact]
    public async Task A_folder_that_is_not_there_and_one_without_a_model()
    {
        await RefusedAsync(Path.Combine(_folder.Path, "none"), "There is no model folder", "Name a folder with a model");
        Directory.CreateDirectory(Path.Combine(_folder.Path, "empty"));
        await RefusedAsync(Path.Combine(_folder.Path, "empty"), "model.safetensors, ", "pytorch_model.bin",
            "Name the folder that has them");
    }

    [Theory]
    [InlineData("cut", "the file is cut short. Fetch or write it again.")]
    [InlineData("lie", "takes 399999920000004 bytes, its offsets give 4. Fetch")]
    [InlineData("empty", "it is empty, or a pipe")]
    [InlineData("pointer", "Git LFS pointer")]
    [InlineData("page", "it is a web page")]
    public async Task A_file_of_weights_that_is_damaged(string damage, string said)
    {
        switch (damage)
        {
            case "cut": File.WriteAllBytes(Weights, File.ReadAllBytes(Weights)[..100_000]); break;
            case "lie": Header(header => header["logit_scale"]!["shape"] = new JsonArray(9_999_999, 9_999_999)); break;
            case "empty": File.WriteAllText(Weights, ""); break;
            case "pointer": File.WriteAllText(Weights, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 605247071\n"); break;
            default: File.WriteAllText(Weights, "<!DOCTYPE html><html>Sign in</html>"); break;
        }
        string refusal = damage == "empty" ? "model.safetensors cannot be read" : "model.safetensors is not a sound safetensors file";
        await RefusedAsync(_folder.Path, refusal, said);
    }

    [Fact]
    public async Task Tensors_that_are_missing_left_over_or_of_another_shape()
    {
        Header(header =>
        {
            header["extra.key"] = header["logit_scale"]!.DeepClone();
            header.Remove("logit_scale");
            header["text_model.embeddings.position_embedding.weight"]!["shape"] = new JsonArray(64, 64);
        });
        await RefusedAsync(
            _folder.Path, "logit_scale is missing; extra.key is left over; text_model.embeddings.position_embedding.weight is (64, 64), " +
                "the configuration asks for (32, 128): see text_config.max_position_embeddings",
            "Take both files from the same model and revision.");
    }

    [Fact]
    public async Task A_configuration_that_asks_for_more_than_the_weights_is_refused_before_anything_of_that_size_is_allocated()
    {
        Configure("config.json", config => config["text_config"]!["vocab_size"] = 16_000_000);
        long before = Environment.WorkingSet;
        await RefusedAsync(_folder.Path, "Tensors that differ: text_model.embeddings.token_embedding.weight is (942, 128), the " +
            "configuration asks for (16000000, 128): see text_config.vocab_size");
        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 2_000_000_000); // the embedding alone would have 8 GB
    }

    [Theory]
    [InlineData("config.json", "does not describe a CLIP that can be built: it is not JSON.")]
    [InlineData("vocab.json", "is not JSON")]
    [InlineData("preprocessor_config.json", "does not say how to prepare images: it is not JSON.")]
    public async Task A_file_beside_the_weights_that_is_cut(string file, string said)
    {
        File.WriteAllText(Path.Combine(_folder.Path, file), "{");
        await RefusedAsync(_folder.Path, file, said, "anew from where the model came");
    }

    [Theory]
    [InlineData("config.json", "says what shape the model has")]
    [InlineData("vocab.json", "clipbook download ID")]
    [InlineData("merges.txt", "clipbook download ID")]
    [InlineData("preprocessor_config.json", "clipbook download ID")]
    public async Task A_file_beside_the_weights_that_is_missing(string file, string said)
    {
        File.Delete(Path.Combine(_folder.Path, file));
        await RefusedAsync(_folder.Path, file, said);
    }

    [Fact]
    public async Task A_setting_that_changes_the_numbers_and_is_not_supported()
    {
        Configure("config.json", config => config["vision_config"]!["hidden_act"] = "silu");
        await RefusedAsync(_folder.Path, "\"vision_config.hidden_act\" is \"silu\"", "The Python package");
    }

    /// <summary>One number of a damaged file is enough for each embedding to be NaN.</summary>
    [Fact]
    public async Task Weights_that_are_no_numbers_are_named_by_every_command_and_nothing_is_printed_or_written()
    {
        byte[] whole = File.ReadAllBytes(Weights);
        int length = (int)BitConverter.ToUInt64(whole);
        var header = JsonNode.Parse(whole.AsSpan(8, length))!;
        foreach (string name in new[] { "visual_projection.weight", "text_projection.weight" })
            BitConverter.GetBytes(float.NaN).CopyTo(whole, 8 + length + (int)header[name]!["data_offsets"]![0]!);
        File.WriteAllBytes(Weights, whole);
        string cat = Path.Combine(Lesson.Data, "images", "cat.png"), index = Path.Combine(_folder.Path, "index");
        string photos = Path.Combine(_folder.Path, "photos", "cat");
        Directory.CreateDirectory(photos);
        File.Copy(cat, Path.Combine(photos, "cat.png"));
        string captions = _folder.Write("photos/cat/captions.csv", "image,text\ncat.png,a cat\n");
        string texts = _folder.Write("texts.txt", "a cat\n");
        string[][] commands =
        [
            ["classify", cat, "--labels", "cat,dog"],
            ["classify", cat, "--labels", "cat,dog", "--json", "--precision", "bfloat16"],
            ["index", photos, "--index", index],
            ["index", photos, "--index", Path.Combine(_folder.Path, "new")],
            ["parity", _folder.Path, "--record", Path.Combine(_folder.Path, "parity.safetensors")],
            ["search", "a cat", "--index", index],
            ["search", "--image", cat, "--index", index],
            ["embed", photos, "--output", Path.Combine(_folder.Path, "shard")],
            ["evaluate", "--images", Path.GetDirectoryName(photos)!],
            ["evaluate", "--captions", captions],
            ["evaluate", "--per-concept", "1", "--pairs", "2"],
            ["plots", "--images", photos, "--texts", texts, "--output", Path.Combine(_folder.Path, "plots")],
        ];
        using (var encoder = ClipEncoder.FromPretrained(_folder.Path)) ImageSearchIndex.Create(index, encoder).Dispose();
        foreach (string[] command in commands)
        {
            string[] model = command[0] == "parity" ? [] : ["--model", _folder.Path];
            var (code, output, error) = await Clipbook.RunAsync([.. command, .. model]);
            string said = $"{string.Join(' ', command)}: {output}{error}";
            Assert.True(code == ExitCode.Failed, said);
            Assert.True(output.Length == 0, said);
            Assert.Matches("^clipbook: The model .* gives (NaN|no finite numbers) for .*: its weight ", error);
            Assert.Matches("its weight (visual.proj|text_projection) .*Fetch or write", error);
        }
        Assert.Equal(64, new FileInfo(Path.Combine(index, "vectors.bin")).Length);
        foreach (string name in new[] { "plots", "new", "shard", "parity.safetensors" })
            Assert.False(Path.Exists(Path.Combine(_folder.Path, name)), name);
    }
}
