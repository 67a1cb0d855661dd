using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Tests.Checkpoints;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Inference;

/// <summary>
/// The layout that transformers 5 saves: <c>processor_config.json</c> with the image processor nested, <c>tokenizer.json</c>, and neither
/// <c>preprocessor_config.json</c> nor <c>vocab.json</c> and <c>merges.txt</c>. The files hold the embedded model's own vocabulary and
/// transform.
/// </summary>
public sealed class TransformersFiveTests : IDisposable
{
    private static readonly string TinyClip = Path.Combine(Repository.Root, "data", "models", "tiny-clip");
    private static readonly string Layout = Repository.Reference("cases", "10-transformers-5-layout");

    private readonly string _folder = Directory.CreateTempSubdirectory("transformers-5").FullName;

    public TransformersFiveTests()
    {
        foreach (string name in new[] { "config.json", "model.safetensors" })
            File.Copy(Path.Combine(TinyClip, name), Path.Combine(_folder, name));
        foreach (string name in new[] { "processor_config.json", "tokenizer.json" })
            File.WriteAllBytes(Path.Combine(_folder, name), File.ReadAllBytes(Path.Combine(Layout, name)));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Its_embeddings_are_those_of_the_older_layout() => Same(_folder);

    [Fact]
    public async Task From_the_Hub_it_comes_with_all_that_it_needs()
    {
        using var server = new HubServer("test/five");
        foreach (string path in Directory.GetFiles(_folder)) server.Files[Path.GetFileName(path)] = File.ReadAllBytes(path);
        var hub = new HuggingFaceHub(new HubOptions { CacheFolder = Path.Combine(_folder, "cache"), Endpoint = server.Endpoint });
        Same(await hub.DownloadAsync("test/five"));
    }

    [Fact]
    public void Merges_may_be_words_with_a_space_between_as_well_as_pairs()
    {
        Edit(json => json["model"]!["merges"] =
            new JsonArray([.. json["model"]!["merges"]!.AsArray().Select(pair => JsonValue.Create($"{pair![0]} {pair[1]}"))]));
        const string text = "a photo of two cats, 1990";
        Assert.Equal(ClipTokenizer.Load(TinyClip).Encode(text), ClipTokenizer.Load(_folder).Encode(text));
    }

    [Fact]
    public void A_special_token_may_stand_among_the_added_ones_alone()
    {
        Edit(json => json["model"]!["vocab"]!.AsObject().Remove(ClipTokenizer.EndOfText));
        Assert.Equal(941, ClipTokenizer.Load(_folder).EndOfTextId);
    }

    [Fact]
    public void An_older_processor_config_without_an_image_processor_is_not_taken_for_one()
    {
        File.Copy(Path.Combine(TinyClip, "preprocessor_config.json"), Path.Combine(_folder, "preprocessor_config.json"));
        File.WriteAllText(Path.Combine(_folder, "processor_config.json"), """{"processor_class": "CLIPProcessor"}""");
        Same(_folder);
        File.Delete(Path.Combine(_folder, "preprocessor_config.json"));
        string message = Assert.Throws<FileNotFoundException>(() => ClipProcessor.FromPretrained(_folder)).Message;
        Assert.Contains("preprocessor_config.json", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"model": {"type": "Unigram", "vocab": [["a", -1.0]]}}""", "Unigram")]
    [InlineData("""{"model": {"type": "WordPiece", "vocab": {"a": 0}}}""", "WordPiece")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": 0, "Ġa": 1}, "merges": []}}""", "<|startoftext|>")]
    public void A_tokenizer_of_another_kind_is_called_by_its_name_and_no_file_is_asked_for_that_cannot_help(string content, string named)
    {
        File.WriteAllText(Path.Combine(_folder, "tokenizer.json"), content);
        string message = Assert.Throws<NotSupportedException>(() => ClipTokenizer.Load(_folder)).Message;
        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.Contains("tokenizer.json", message, StringComparison.Ordinal);
        Assert.DoesNotContain("vocab.json", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "it is not a JSON object")]
    [InlineData("{\"model\"", "it is not JSON")]
    [InlineData("{}", "\"model\" is missing")]
    [InlineData("""{"model": {"type": "BPE", "vocab": [], "merges": []}}""", "\"model.vocab\" is no object")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"<|startoftext|>": 0, "<|endoftext|>": 1}}}""", "\"model.merges\" is missing")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"<|startoftext|>": "0"}, "merges": []}}""", "not a whole number")]
    public void A_damaged_file_is_named_with_its_place(string content, string reason)
    {
        File.WriteAllText(Path.Combine(_folder, "tokenizer.json"), content);
        string message = Assert.Throws<InvalidDataException>(() => ClipTokenizer.Load(_folder)).Message;
        Assert.Contains("tokenizer.json", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.Contains("Copy it anew", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_merge_is_named_by_its_number_and_an_added_token_by_its_name()
    {
        string sound = File.ReadAllText(Path.Combine(_folder, "tokenizer.json"));
        Edit(json => json["model"]!["merges"]!.AsArray().Insert(3, new JsonArray("a", "never</w>")));
        string merge = Assert.Throws<InvalidDataException>(() => ClipTokenizer.Load(_folder)).Message;
        Assert.Contains("merge 4: \"never</w>\" is not in", merge, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder, "tokenizer.json"), sound);
        Edit(json => json["added_tokens"]!.AsArray().Add(new JsonObject { ["id"] = 942, ["content"] = "<new>" }));
        string added = Assert.Throws<NotSupportedException>(() => ClipTokenizer.Load(_folder)).Message;
        Assert.Contains("adds the token \"<new>\"", added, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mutated_tokenizer_loads_or_is_refused_by_name()
    {
        string path = Path.Combine(_folder, "tokenizer.json");
        byte[] sound = File.ReadAllBytes(path);
        bool IsNamed(Exception exception) =>
            exception is InvalidDataException or NotSupportedException && exception.Message.Contains(_folder, StringComparison.Ordinal);
        Fuzz.Run(250, 10_000, path, random => Mutation.Of(random, sound), () => ClipTokenizer.Load(_folder).Encode("a cat"), IsNamed);
    }

    private static void Same(string folder)
    {
        using var scope = NewDisposeScope();
        using var older = ClipEncoder.FromPretrained(TinyClip, CPU);
        using var newer = ClipEncoder.FromPretrained(folder, CPU);
        Assert.Equal(older.Fingerprint(), newer.Fingerprint());
        string[] texts = ["a photo of a cat", "two red circles beside a house"];
        var image = RandomClip.Image(1, 90, 70);
        Assert.Equal(older.EncodeTexts(texts).data<float>(), newer.EncodeTexts(texts).data<float>());
        Assert.Equal(older.EncodeImages([image]).data<float>(), newer.EncodeImages([image]).data<float>());
    }

    private void Edit(Action<JsonNode> change)
    {
        string path = Path.Combine(_folder, "tokenizer.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }
}
