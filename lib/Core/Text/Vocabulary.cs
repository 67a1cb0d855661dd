using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Text.Pipeline;

namespace ClipNotebooks.Core.Text;

/// <summary>
/// CLIP's vocabulary and merges, read from vocab.json and merges.txt or from a tokenizer.json, and checked against each other.
/// </summary>
internal sealed class Vocabulary
{
    private const string Cure = "Copy vocab.json and merges.txt anew from where the model came from; they belong together. Of a model of " +
        "the Hub, \"clipbook download ID\" fetches what its folder lacks.";

    private Vocabulary(Dictionary<string, int> ids, List<(string Left, string Right)> merges)
    {
        Ids = ids;
        Merges = merges;
        Tokens = [.. ids.OrderBy(pair => pair.Value).Select(pair => pair.Key)];
        Ranks = merges.Select((pair, rank) => (pair, rank)).ToDictionary(entry => entry.pair, entry => entry.rank);
    }

    internal IReadOnlyDictionary<string, int> Ids { get; }

    internal IReadOnlyList<string> Tokens { get; }

    internal IReadOnlyList<(string Left, string Right)> Merges { get; }

    internal IReadOnlyDictionary<(string Left, string Right), int> Ranks { get; }

    /// <summary>Reads vocab.json and merges.txt; or tokenizer.json if neither exists, as transformers 5 saves it.</summary>
    internal static Vocabulary Load(string folder)
    {
        string vocabulary = Path.Combine(folder, "vocab.json"), merges = Path.Combine(folder, "merges.txt");
        string alone = Path.Combine(folder, TokenizerJson.Name);
        if (!File.Exists(vocabulary) && !File.Exists(merges) && File.Exists(alone))
        {
            var (tokens, rules) = TokenizerJson.Read(alone);
            return new Vocabulary(tokens, rules);
        }
        Require(folder, vocabulary);
        Require(folder, merges);
        foreach (string path in new[] { vocabulary, merges, Path.Combine(folder, "added_tokens.json") }) ModelFile.RequireReadable(path);
        var ids = ReadIds(vocabulary);
        RefuseAdditions(folder, ids);
        return new Vocabulary(ids, ReadMerges(merges, vocabulary, ids));
    }

    /// <summary>
    /// Refuses tokens that a Hugging Face tokenizer adds to the vocabulary. A text is split at them before anything else; ignoring them
    /// would give other ids.
    /// </summary>
    private static void RefuseAdditions(string folder, Dictionary<string, int> ids)
    {
        string path = Path.Combine(folder, "added_tokens.json");
        if (!File.Exists(path)) return;
        try
        {
            if (JsonNode.Parse(TextFile.Read(path)) is not JsonObject tokens)
                throw new InvalidDataException($"{path} is not a list of tokens: it must be one JSON object from token to id. {Cure}");
            if (tokens.Select(token => token.Key).FirstOrDefault(token => !ids.ContainsKey(token)) is { } added)
                throw new InvalidDataException($"{path} adds the token \"{Quote.Cut(added)}\", which is not in vocab.json: added " +
                    $"tokens are not supported. Where no text needs them, take the file out of the folder.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new InvalidDataException($"{path} is not JSON: {exception.Message} {Cure}", exception);
        }
    }

    private static void Require(string folder, string path)
    {
        if (File.Exists(path)) return;
        const string need = "CLIP's tokenizer needs vocab.json and merges.txt, or tokenizer.json alone";
        throw new FileNotFoundException($"{folder} has no {Path.GetFileName(path)}; {need}. {Cure}", path);
    }

    private static Dictionary<string, int> ReadIds(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(TextFile.Read(path));
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{path} is not a vocabulary: it must be one JSON object from token to id. {Cure}");
            var ids = ParseIds(json.RootElement, path, Cure);
            RequireClips(ids, path, Cure);
            return ids;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path} is not JSON: {exception.Message} {Cure}", exception);
        }
    }

    /// <summary>Reads tokens and their ids; throws if a token is repeated. <see cref="RequireClips"/> checks the ids.</summary>
    internal static Dictionary<string, int> ParseIds(JsonElement tokens, string path, string cure)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var entry in tokens.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out int id))
            {
                throw new InvalidDataException(
                    $"{path}: the id of \"{Quote.Cut(entry.Name)}\" is {Quote.Cut(entry.Value.GetRawText())}, not a whole number. {cure}");
            }
            if (!ids.TryAdd(entry.Name, id))
                throw new InvalidDataException($"{path}: the token \"{Quote.Cut(entry.Name)}\" stands there twice. {cure}");
        }
        return ids;
    }

    /// <summary>Throws if ids leave gaps or are repeated, or if tokens are missing that every CLIP has.</summary>
    internal static void RequireClips(Dictionary<string, int> ids, string path, string cure)
    {
        var used = new bool[ids.Count];
        foreach (var (token, id) in ids)
        {
            if (id < 0 || id >= used.Length)
            {
                throw new InvalidDataException(
                    $"{path}: \"{Quote.Cut(token)}\" has the id {id}, but {ids.Count} tokens have the ids 0 to {ids.Count - 1}. {cure}");
            }
            if (used[id]) throw new InvalidDataException($"{path}: the id {id} of \"{Quote.Cut(token)}\" is another token's too. {cure}");
            used[id] = true;
        }
        foreach (string special in ClipTokenizer.SpecialTokens)
            if (!ids.ContainsKey(special)) throw new InvalidDataException($"{path} has no {special}: it is not a CLIP vocabulary. {cure}");
        foreach (char symbol in ByteSymbols.InVocabularyOrder)
        {
            if (ids.ContainsKey($"{symbol}") && ids.ContainsKey(symbol + ClipTokenizer.EndOfWord)) continue;
            throw new InvalidDataException(
                $"{path} lacks the byte \"{symbol}\" or its form at the end of a word: some texts could not be encoded. {cure}");
        }
    }

    /// <summary>Throws if a merge's symbols or its result have no id, or if the merge is repeated.</summary>
    /// <param name="pair">The symbols.</param>
    /// <param name="seen">The merges before it; this one is added.</param>
    /// <param name="ids">The vocabulary.</param>
    /// <param name="where">File and line, for messages.</param>
    /// <param name="vocabulary">The vocabulary's file, for messages.</param>
    /// <param name="cure">What to do, for messages.</param>
    internal static void RequireMerge(
        (string Left, string Right) pair, HashSet<(string, string)> seen, Dictionary<string, int> ids,
        string where, string vocabulary, string cure)
    {
        foreach (string symbol in new[] { pair.Left, pair.Right, pair.Left + pair.Right })
            if (!ids.ContainsKey(symbol))
                throw new InvalidDataException($"{where}: \"{Quote.Cut(symbol)}\" is not in {vocabulary}. {cure}");
        if (!seen.Add(pair))
            throw new InvalidDataException($"{where}: the merge \"{Quote.Cut($"{pair.Left} {pair.Right}")}\" stands there twice. {cure}");
    }

    private static List<(string, string)> ReadMerges(string path, string vocabulary, Dictionary<string, int> ids)
    {
        var merges = new List<(string, string)>();
        var seen = new HashSet<(string, string)>();
        int number = 0;
        foreach (string line in TextFile.ReadLines(path))
        {
            number++;
            if (line.Length == 0 || (number == 1 && line.StartsWith("#version", StringComparison.Ordinal))) continue;
            string[] symbols = line.Split(' ');
            if (symbols.Length != 2 || symbols.Any(symbol => symbol.Length == 0))
                throw new InvalidDataException($"{path}, line {number}: a merge is two symbols with one space between; this line is " +
                    $"\"{Quote.Cut(line)}\". {Cure}");
            RequireMerge((symbols[0], symbols[1]), seen, ids, $"{path}, line {number}", vocabulary, Cure);
            merges.Add((symbols[0], symbols[1]));
        }
        return merges;
    }
}
