using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Core.Text;

namespace ClipNotebooks.Clip.Export;

/// <summary>
/// CLIP's tokenizer as <c>tokenizer.json</c>, which transformers.js and the library tokenizers read, built from <c>vocab.json</c> and
/// <c>merges.txt</c> as transformers builds it.
/// </summary>
internal static class ClipTokenizerJson
{
    private const string Pieces = @"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes tokenizer.json, and tokenizer_config.json where there is none.</summary>
    /// <param name="folder">The folder with vocab.json and merges.txt.</param>
    /// <param name="contextLength">The largest number of tokens in a row.</param>
    internal static void Write(string folder, int contextLength)
    {
        var vocabulary = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "vocab.json")))!.AsObject();
        long start = vocabulary[ClipTokenizer.StartOfText]!.GetValue<long>(), end = vocabulary[ClipTokenizer.EndOfText]!.GetValue<long>();
        var merges = File.ReadLines(Path.Combine(folder, "merges.txt"))
            .Where(line => line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal));
        var json = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray(Added(ClipTokenizer.StartOfText, start), Added(ClipTokenizer.EndOfText, end)),
            ["normalizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["normalizers"] = new JsonArray(new JsonObject { ["type"] = "NFC" }, new JsonObject
                {
                    ["type"] = "Replace", ["pattern"] = new JsonObject { ["Regex"] = @"\s+" }, ["content"] = " ",
                }, new JsonObject { ["type"] = "Lowercase" }),
            },
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(new JsonObject
                {
                    ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = Pieces }, ["behavior"] = "Removed", ["invert"] = true,
                }, ByteLevel()),
            },
            ["post_processor"] = new JsonObject
            {
                ["type"] = "RobertaProcessing",
                ["sep"] = new JsonArray(ClipTokenizer.EndOfText, end),
                ["cls"] = new JsonArray(ClipTokenizer.StartOfText, start),
                ["trim_offsets"] = false,
                ["add_prefix_space"] = false,
            },
            ["decoder"] = ByteLevel(),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = ClipTokenizer.EndOfText,
                ["continuing_subword_prefix"] = "",
                ["end_of_word_suffix"] = "</w>",
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(merge => JsonValue.Create(merge))]),
            },
        };
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), json.ToJsonString(Readable) + "\n");
        string config = Path.Combine(folder, "tokenizer_config.json");
        if (!File.Exists(config)) File.WriteAllText(config, Config(contextLength).ToJsonString(Readable) + "\n");
    }

    private static JsonObject Config(int contextLength) => new()
    {
        ["tokenizer_class"] = "CLIPTokenizer",
        ["model_max_length"] = contextLength,
        ["do_lower_case"] = true,
        ["add_prefix_space"] = false,
        ["errors"] = "replace",
        ["bos_token"] = ClipTokenizer.StartOfText,
        ["eos_token"] = ClipTokenizer.EndOfText,
        ["unk_token"] = ClipTokenizer.EndOfText,
        ["pad_token"] = ClipTokenizer.EndOfText,
    };

    private static JsonObject ByteLevel() => new()
    {
        ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true,
    };

    private static JsonObject Added(string content, long id) => new()
    {
        ["id"] = id, ["content"] = content, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false,
        ["special"] = true,
    };
}
