namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>
/// Reads Hugging Face's <c>tokenizer.json</c>. An option that is not understood is refused, and the message names its key: ids that are
/// only nearly right would be worse than none.
/// </summary>
internal static class PipelineFile
{
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="NotSupportedException">It asks for something unsupported.</exception>
    internal static TextPipeline Read(string path) => JsonSection.Load(path, Read);

    private static TextPipeline Read(JsonSection root)
    {
        root.Only("version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model");
        var subwords = Model(root["model"]);
        var normalize = root.Has("normalizer") ? TextNormalizers.Read(root["normalizer"]) : text => text;
        AddedToken[] added = root.Has("added_tokens") ? [.. root["added_tokens"].Items().Select(Added)] : [];
        var ids = new Dictionary<string, int>(subwords.Ids, StringComparer.Ordinal);
        foreach (var token in added) ids[token.Content] = token.Id;
        var (start, end) = root.Has("post_processor") ? Around(root["post_processor"]) : ([], []);
        var tokens = Tokens(root, ids);
        foreach (int id in start.Concat(end))
            if (id >= tokens.Length) throw root["post_processor"].Wrong($"uses the id {id}, and there are {tokens.Length} tokens");
        Func<IReadOnlyList<string>, IReadOnlyList<string>> decode =
            root.Has("decoder") ? TokenDecoders.Read(root["decoder"]) : parts => [string.Join(' ', parts)];
        return new TextPipeline
        {
            Tokens = tokens,
            Start = start,
            End = end,
            Padding = root.Has("padding") && root["padding"].Has("pad_id") ? root["padding"].Whole("pad_id") : null,
            Subwords = subwords,
            Added = new AddedTokens(added.Where(token => !token.Normalized)),
            AddedNormalized = new AddedTokens(added.Where(token => token.Normalized).Select(token =>
                token with { Content = normalize(token.Content) })),
            Normalize = normalize,
            Split = root.Has("pre_tokenizer") ? TextSplitters.Read(root["pre_tokenizer"]) : (piece, _) => piece.Length == 0 ? [] : [piece],
            Join = parts => string.Concat(decode(parts)),
        };
    }

    /// <summary>
    /// The tokens in the order of their ids. Ids may have gaps, which become empty tokens; but if most ids are gaps, the file is damaged.
    /// </summary>
    private static string[] Tokens(JsonSection root, Dictionary<string, int> ids)
    {
        if (ids.Count == 0) throw root["model"].Wrong("has no tokens");
        long count = ids.Values.Max() + 1L;
        if (count > 2L * ids.Count + 1000)
        {
            throw new InvalidDataException(
                $"{root.File} has {ids.Count} tokens and ids up to {count - 1}: it is damaged. Copy it anew from where it came from.");
        }
        var tokens = new string[count];
        Array.Fill(tokens, "");
        foreach (var (token, id) in ids) tokens[id] = token;
        return tokens;
    }

    private static AddedToken Added(JsonSection token)
    {
        token.Only("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special");
        return new AddedToken(
            token.Text("content"), token.Whole("id"), token.Flag("single_word", false),
            token.Flag("lstrip", false), token.Flag("rstrip", false), token.Flag("normalized", true));
    }

    private static ISubwords Model(JsonSection model)
    {
        // Older files do not say which kind of model they hold.
        string type = model.TextOrNone("type") ?? (model.Has("merges") ? "BPE" : model.Has("unk_id") ? "Unigram" : "WordPiece");
        switch (type)
        {
            case "Unigram":
                model.Only("type", "unk_id", "vocab", "byte_fallback");
                List<(string, double)> pieces = [.. model["vocab"].Items().Select(Piece)];
                int? unknown = model.Has("unk_id") ? model.Whole("unk_id") : null;
                if (unknown >= pieces.Count) throw model["unk_id"].Wrong($"is outside the {pieces.Count} pieces");
                return new UnigramSubwords(pieces, unknown, model.Flag("byte_fallback", false));
            case "WordPiece":
                model.Only("type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab");
                var words = Ids(model["vocab"]);
                return new WordPieceSubwords(words, Id(model, "unk_token", words) ?? throw model.Wrong("has no \"unk_token\""),
                    model.TextOrNone("continuing_subword_prefix") ?? "##",
                        model.Has("max_input_chars_per_word") ? model.Whole("max_input_chars_per_word") : 100);
            case "BPE":
                return BytePairs(model);
            default:
                throw model["type"].Unsupported("Unigram, BPE and WordPiece");
        }
    }

    private static (string, double) Piece(JsonSection piece)
    {
        JsonSection[] parts = [.. piece.Items()];
        return parts.Length == 2 ? (parts[0].AsText(), parts[1].AsNumber()) : throw piece.Wrong("is no piece with its score");
    }

    private static BytePairSubwords BytePairs(JsonSection model)
    {
        model.Only("type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback",
            "ignore_merges", "vocab", "merges");
        if (model.Has("dropout") && model["dropout"].AsNumber() != 0) throw model["dropout"].Unsupported("null");
        var ids = Ids(model["vocab"]);
        string prefix = model.TextOrNone("continuing_subword_prefix") ?? "";
        var merges = new Dictionary<(int, int), (int, int)>();
        foreach (var (merge, rank) in model["merges"].Items().Select((merge, rank) => (merge, rank)))
        {
            string[] parts = merge.Element.ValueKind == System.Text.Json.JsonValueKind.String
                ? merge.AsText().Split(' ') : [.. merge.Items().Select(part => part.AsText())];
            if (parts.Length != 2) throw merge.Wrong("is no pair");
            string joined = parts[0] + (parts[1].StartsWith(prefix, StringComparison.Ordinal) ? parts[1][prefix.Length..] : parts[1]);
            int Known(string token) => ids.TryGetValue(token, out int id) ? id : throw merge.Wrong($"has \"{token}\", which is no token");
            merges[(Known(parts[0]), Known(parts[1]))] = (rank, Known(joined));
        }
        return new BytePairSubwords(ids, merges)
        {
            Unknown = Id(model, "unk_token", ids),
            FuseUnknown = model.Flag("fuse_unk", false),
            ByteFallback = model.Flag("byte_fallback", false),
            IgnoreMerges = model.Flag("ignore_merges", false),
            Prefix = prefix,
            Suffix = model.TextOrNone("end_of_word_suffix") ?? "",
        };
    }

    private static Dictionary<string, int> Ids(JsonSection vocabulary)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (token, id) in vocabulary.Entries()) ids[token] = id.AsWhole();
        return ids;
    }

    private static int? Id(JsonSection model, string key, Dictionary<string, int> ids) => model.TextOrNone(key) is not { } token ? null
        : ids.TryGetValue(token, out int id) ? id : throw model[key].Wrong("is no token of the vocabulary");

    /// <summary>The ids before and after a text's own.</summary>
    private static (int[] Start, int[] End) Around(JsonSection processor)
    {
        switch (processor.Type)
        {
            case "TemplateProcessing":
                processor.Only("type", "single", "pair", "special_tokens");
                var special = processor["special_tokens"];
                var (start, end) = (new List<int>(), new List<int>());
                bool after = false;
                foreach (var item in processor["single"].Items())
                {
                    item.Only("SpecialToken", "Sequence");
                    if (item.Has("Sequence")) after = !after ? true : throw item.Wrong("is the text a second time");
                    else (after ? end : start).AddRange(special[item["SpecialToken"].Text("id")]["ids"].Items().Select(id => id.AsWhole()));
                }
                return after ? ([.. start], [.. end]) : throw processor["single"].Wrong("has no place for the text");
            case "RobertaProcessing" or "BertProcessing":
                processor.Only("type", "sep", "cls", "trim_offsets", "add_prefix_space");
                JsonSection[] first = [.. processor["cls"].Items()], last = [.. processor["sep"].Items()];
                return first.Length == 2 && last.Length == 2 ? ([first[1].AsWhole()], [last[1].AsWhole()])
                    : throw processor.Wrong("has no token with its id");
            case "ByteLevel":
                return ([], []);
            case "Sequence":
                processor.Only("type", "processors");
                var steps = processor["processors"].Items().Select(Around).ToList();
                return ([.. steps.AsEnumerable().Reverse().SelectMany(step => step.Start)], [.. steps.SelectMany(step => step.End)]);
            default:
                throw processor["type"].Unsupported("TemplateProcessing, RobertaProcessing, BertProcessing, ByteLevel and Sequence");
        }
    }
}
