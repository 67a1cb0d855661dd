using System.Text;

namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>Turns tokens back into text: the <c>decoder</c> of tokenizer.json.</summary>
internal static class TokenDecoders
{
    /// <exception cref="NotSupportedException">A decoder is not supported; the message names its key.</exception>
    internal static Func<IReadOnlyList<string>, IReadOnlyList<string>> Read(JsonSection section)
    {
        switch (section.Type)
        {
            case "Sequence":
                Func<IReadOnlyList<string>, IReadOnlyList<string>>[] steps = [.. section["decoders"].Items().Select(Read)];
                return tokens => steps.Aggregate(tokens, (now, step) => step(now));
            case "Fuse": return tokens => [string.Concat(tokens)];
            case "ByteFallback": return Bytes;
            case "ByteLevel": return tokens => [ByteSymbols.Decode(string.Concat(tokens))];
            case "Replace":
                string content = section.Text("content");
                var (literal, pattern) = TextNormalizers.Pattern(section["pattern"]);
                return tokens => [.. tokens.Select(token =>
                    literal is null ? pattern!.Replace(token, content.Replace("$", "$$", StringComparison.Ordinal))
                    : literal.Length == 0 ? token : token.Replace(literal, content, StringComparison.Ordinal))];
            case "Strip":
                string sign = section.TextOrNone("content") ?? " ";
                int start = section.Has("start") ? section.Whole("start") : 0, stop = section.Has("stop") ? section.Whole("stop") : 0;
                return tokens => [.. tokens.Select(token => Stripped(token, sign, start, stop))];
            case "Metaspace":
                string space = section.TextOrNone("replacement") ?? "▁";
                bool prepended = section.Flag("add_prefix_space", true) && section.TextOrNone("prepend_scheme") != "never";
                return tokens => [.. tokens.Select((token, i) =>
                    token.Replace(space, i == 0 && prepended ? "" : " ", StringComparison.Ordinal))];
            case "WordPiece":
                return WordPiece(section.TextOrNone("prefix") ?? "##");
            case "BPEDecoder":
                string suffix = section.TextOrNone("suffix") ?? "</w>";
                return tokens => [.. tokens.Select((token, i) =>
                    token.Replace(suffix, i == tokens.Count - 1 ? "" : " ", StringComparison.Ordinal))];
            default:
                throw section["type"].Unsupported("Sequence, Fuse, ByteFallback, ByteLevel, Replace, Strip, Metaspace, WordPiece and " +
                    "BPEDecoder");
        }
    }

    /// <summary>Puts a space before every token but the first, unless it continues a word.</summary>
    internal static Func<IReadOnlyList<string>, IReadOnlyList<string>> WordPiece(string prefix) => tokens => [.. tokens.Select((token, i) =>
        i == 0 ? token : token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token)];

    /// <summary>Turns consecutive byte tokens into the text that they encode; if they are not UTF-8, into one U+FFFD per byte.</summary>
    private static List<string> Bytes(IReadOnlyList<string> tokens)
    {
        var result = new List<string>(tokens.Count);
        var bytes = new List<byte>();
        foreach (string token in tokens)
        {
            if (ByteTokens.Value(token) is { } value)
            {
                bytes.Add(value);
                continue;
            }
            Flush();
            result.Add(token);
        }
        Flush();
        return result;

        void Flush()
        {
            if (bytes.Count == 0) return;
            string text = Encoding.UTF8.GetString([.. bytes]);
            result.Add(text.Contains('\uFFFD', StringComparison.Ordinal) ? new string('\uFFFD', bytes.Count) : text);
            bytes.Clear();
        }
    }

    private static string Stripped(string token, string sign, int start, int stop)
    {
        for (int i = 0; i < start && sign.Length > 0 && token.StartsWith(sign, StringComparison.Ordinal); i++) token = token[sign.Length..];
        for (int i = 0; i < stop && sign.Length > 0 && token.EndsWith(sign, StringComparison.Ordinal); i++) token = token[..^sign.Length];
        return token;
    }
}
