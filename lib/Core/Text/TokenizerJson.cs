using System.Text.Json;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Text;

/// <summary>
/// Reads CLIP's vocabulary and merges from a <c>tokenizer.json</c>, the file of Hugging Face's tokenizers library, which is the only one
/// that transformers 5 saves. Texts are cleaned and split by CLIP's own rules, as with vocab.json and merges.txt.
/// </summary>
internal static class TokenizerJson
{
    internal const string Name = "tokenizer.json";

    private const string Cure =
        "Copy it anew from where the model came from; of a model of the Hub, \"clipbook download ID\" fetches what its folder lacks.";

    /// <exception cref="InvalidDataException">The file is damaged; the message says where.</exception>
    /// <exception cref="NotSupportedException">It holds another tokenizer than CLIP's byte-pair one, or adds tokens of its own.</exception>
    internal static (Dictionary<string, int> Ids, List<(string, string)> Merges) Read(string path)
    {
        ModelFile.RequireReadable(path);
        try
        {
            using var json = JsonDocument.Parse(TextFile.Read(path));
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object) throw Damaged(path, "it is not a JSON object");
            if (!root.TryGetProperty("model", out var model) || model.ValueKind != JsonValueKind.Object)
                throw Damaged(path, "\"model\" is missing, or no object");
            if (model.TryGetProperty("type", out var type) && type.GetString() is { } kind and not "BPE")
                throw Other(path, $"its model is of the type {Quote.Cut(kind)}");
            if (!model.TryGetProperty("vocab", out var tokens) || tokens.ValueKind != JsonValueKind.Object)
                throw Damaged(path, "\"model.vocab\" is no object from token to id");
            var ids = Vocabulary.ParseIds(tokens, path, Cure);
            AddSpecials(root, ids, path);
            if (ClipTokenizer.SpecialTokens.FirstOrDefault(special => !ids.ContainsKey(special)) is { } missing)
                throw Other(path, $"it has no {missing}");
            if (!model.TryGetProperty("merges", out var merges) || merges.ValueKind != JsonValueKind.Array)
                throw Damaged(path, "\"model.merges\" is missing, or no list");
            Vocabulary.RequireClips(ids, path, Cure);
            return (ids, Merges(merges, ids, path));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            const string reason = "it is not JSON, or a value is of another kind than a tokenizer's";
            throw new InvalidDataException($"{path} cannot be read: {reason}. {exception.Message} {Cure}", exception);
        }
    }

    /// <summary>
    /// Adds the start and end tokens, if the file lists them apart from the vocabulary. Any other added token would have to be split off
    /// before anything else, which is not supported.
    /// </summary>
    private static void AddSpecials(JsonElement root, Dictionary<string, int> ids, string path)
    {
        if (!root.TryGetProperty("added_tokens", out var added) || added.ValueKind != JsonValueKind.Array) return;
        foreach (var token in added.EnumerateArray())
        {
            if (token.ValueKind != JsonValueKind.Object || !token.TryGetProperty("content", out var content)
                || content.GetString() is not { } text || !token.TryGetProperty("id", out var number)
                || number.ValueKind != JsonValueKind.Number || !number.TryGetInt32(out int id))
            {
                throw Damaged(path, "\"added_tokens\" has an entry without content or id");
            }
            if (ids.TryGetValue(text, out int known) ? known != id : !ClipTokenizer.SpecialTokens.Contains(text))
            {
                throw new NotSupportedException(
                    $"{path} adds the token \"{Quote.Cut(text)}\" ({id}), which its vocabulary does not have: added tokens are not " +
                        $"supported.");
            }
            ids[text] = id;
        }
    }

    /// <summary>Reads the merges; each is a pair of symbols, or one string with a space between them.</summary>
    private static List<(string, string)> Merges(JsonElement merges, Dictionary<string, int> ids, string path)
    {
        var all = new List<(string, string)>();
        var seen = new HashSet<(string, string)>();
        foreach (var merge in merges.EnumerateArray())
        {
            string where = $"{path}, merge {all.Count + 1}";
            var symbols = merge.ValueKind == JsonValueKind.Array
                ? merge.EnumerateArray().Select(symbol => symbol.GetString()).ToArray()
                : (merge.GetString() ?? "").Split(' ');
            if (symbols is not [{ Length: > 0 } left, { Length: > 0 } right])
                throw new InvalidDataException($"{where}: two symbols are needed, the file has {Quote.Cut(merge.GetRawText())}. {Cure}");
            Vocabulary.RequireMerge((left, right), seen, ids, where, "its vocabulary", Cure);
            all.Add((left, right));
        }
        return all;
    }

    private static InvalidDataException Damaged(string path, string reason) => new($"{path} does not hold a tokenizer: {reason}. {Cure}");

    private static NotSupportedException Other(string path, string reason) => new(
        $"{path} holds another tokenizer than CLIP's byte-pair one ({reason}), which ClipTokenizer does not read. " +
        "Make the ids with the tokenizer that the model was published for (transformers).");
}
